// expect: green: this type cannot be sent to another process: specialise green::codec for it
#include <green/executor/codec.hpp>

void f(green::encoder& e, int* p) { e.put(p); }
