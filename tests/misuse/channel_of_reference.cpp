// expect: a channel or a queue holds values
#include <green/sync/channel.hpp>

green::channel<int&> c;
