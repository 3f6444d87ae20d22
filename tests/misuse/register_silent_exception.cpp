// expect alone: green: an exception that is registered has a green::codec
#include <green/executor/remote_error.hpp>

class silent {
    int* p_;
};
void f() { green::register_remote_exception<silent>(); }
