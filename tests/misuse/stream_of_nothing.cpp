// expect: green: a stream is one of values or of lvalue references
#include <green/tasks/stream.hpp>

green::stream<void> nothing() { co_return; }
