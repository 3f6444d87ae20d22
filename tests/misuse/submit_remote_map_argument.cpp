// expect alone: include <green/executor/codec_std.hpp> for maps, sets and lists
#include <green/executor/remote_function.hpp>

#include <map>

int count(const std::map<int, int>& map);
void f(green::encoder& e) { green::detail::encode_call(e, count, std::map<int, int>()); }
