#pragma once

#include <green/core/frame_pool.hpp>

#include <algorithm>
#include <cstddef>
#include <new>
#include <string_view>

namespace green::detail {

/// Base of an object with a name of its own, in one block of memory: `new (name) T(...)` puts a copy
/// of the name behind the object. T is final and has a member `block_size()`, which is
/// `size_with(name)`.
template <class T>
class named_block {
public:
    static void* operator new(std::size_t, std::string_view name) {
        auto* const block = static_cast<char*>(frame_pool::allocate(size_with(name)));
        std::copy(name.begin(), name.end(), block + sizeof(T));
        return block;
    }
    static void operator delete(void* block, std::string_view name) noexcept {
        frame_pool::release(block, size_with(name));
    }
    static void operator delete(named_block* self, std::destroying_delete_t) noexcept {
        auto* const object = static_cast<T*>(self);
        std::size_t const size = object->block_size();
        object->~T();
        frame_pool::release(object, size);
    }

protected:
    static std::size_t size_with(std::string_view name) noexcept { return sizeof(T) + name.size(); }
    /// The copy of `name`, which T was made with.
    std::string_view copy_of(std::string_view name) const noexcept {
        auto const* const object = static_cast<const T*>(this);
        return {reinterpret_cast<const char*>(object + 1), name.size()};
    }
};

}  // namespace green::detail
