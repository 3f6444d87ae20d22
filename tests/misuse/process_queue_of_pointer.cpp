// expect alone: green: a process_queue holds values that can be sent to another process

#include <green/executor/process_queue.hpp>

int main() {
    green::process_queue<int*> const q;
    return q.closed() ? 1 : 0;
}
