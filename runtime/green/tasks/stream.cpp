#include <green/tasks/stream.hpp>

namespace green::detail {

void throw_second_next() {
    throw_logic_error("green: stream::next: somebody waits for the next item of this stream already"
    );
}

void throw_cancelled_stream() {
    throw cancelled_error(
        "stream::next: the stream ended when an earlier wait for an item was cancelled"
    );
}

}  // namespace green::detail
