#include "support/own_new.hpp"

#if GREEN_TEST_OWN_NEW

#include <cstdlib>
#include <new>

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return green_test::new_fails(size) ? nullptr : std::malloc(size);
}
void* operator new(std::size_t size) {
    void* const p = operator new(size, std::nothrow);
    if (!p) throw std::bad_alloc();
    return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

#endif
