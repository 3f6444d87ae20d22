#pragma once

#include <green/dns/detail/question_key.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace green::detail {

/// Finds objects by their question. They belong to someone else and have a `key()` that refers to a
/// name of theirs. Open addressing with linear probing, at most half full: a search touches one line
/// of memory beside the object, and nothing is allocated per object.
template <class T>
class question_map {
public:
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    T* find(const question_key& key) const noexcept {
        if (empty()) return nullptr;
        for (std::size_t i = key.hash() & mask();; i = (i + 1) & mask()) {
            slot const& s = slots_[i];
            if (!s.object) return nullptr;
            if (s.hash == key.hash() && s.object->key() == key) return s.object;
        }
    }

    /// There is none with this key.
    void insert(T& object) {
        if (2 * (size_ + 1) > slots_.size()) grow();
        place({object.key().hash(), &object});
        ++size_;
    }

    void erase(T& object) noexcept {
        std::size_t hole = object.key().hash() & mask();
        while (slots_[hole].object != &object) hole = (hole + 1) & mask();
        --size_;
        // What stands behind comes forward, unless it would come before its own place.
        for (std::size_t i = (hole + 1) & mask(); slots_[i].object; i = (i + 1) & mask()) {
            std::size_t const home = slots_[i].hash & mask();
            if (((i - home) & mask()) < ((i - hole) & mask())) continue;
            slots_[hole] = slots_[i];
            hole = i;
        }
        slots_[hole] = {};
    }

    /// Calls `f(object)` for each, which may destroy it, and is empty then.
    template <class F>
    void drain(F f) {
        size_ = 0;
        for (slot const& s : std::exchange(slots_, {})) {
            if (s.object) f(*s.object);
        }
    }

private:
    struct slot {
        std::size_t hash = 0;
        T* object = nullptr;
    };

    std::size_t mask() const noexcept { return slots_.size() - 1; }

    void place(const slot& s) noexcept {
        std::size_t i = s.hash & mask();
        while (slots_[i].object) i = (i + 1) & mask();
        slots_[i] = s;
    }

    void grow() {
        std::vector<slot> const old =
            std::exchange(slots_, std::vector<slot>(slots_.empty() ? 16 : 2 * slots_.size()));
        for (slot const& s : old) {
            if (s.object) place(s);
        }
    }

    std::vector<slot> slots_;  // a power of two
    std::size_t size_ = 0;
};

}  // namespace green::detail
