// expect alone: green: a member function cannot be sent to another process by itself
#include <green/executor/remote_function.hpp>

struct s {
    int g() const;
};
void f(green::encoder& e) { green::detail::encode_call(e, &s::g, s()); }
