#include <green/green.hpp>
green::task<> hello() { co_await green::sleep_for(std::chrono::milliseconds(1)); }
int main() { green::run(hello()); }
