// expect: green: resolver::query<Record> gives a, aaaa, cname, mx, txt, srv, ns, ptr, soa, caa
#include <green/dns/resolver.hpp>

green::task<> f(green::resolver& r) { co_await r.query<int>("example.org"); }
