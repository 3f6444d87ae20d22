#pragma once

#include <green/core/config.hpp>

#include <concepts>
#include <utility>

namespace green::detail {

/// A counted reference to a state that several threads share (`future_base` or what derives from it).
template <class S>
class state_ref {
public:
    state_ref() = default;
    explicit state_ref(S* s) noexcept : state_(s) {
        if (state_) state_->add_ref();
    }
    state_ref(const state_ref& o) noexcept : state_ref(o.state_) {}
    state_ref(state_ref&& o) noexcept : state_(o.release()) {}
    template <class Derived>
        requires std::derived_from<Derived, S>
    state_ref(state_ref<Derived> o) noexcept  // NOLINT(google-explicit-constructor): as pointers do
        : state_(o.release()) {}
    state_ref& operator=(state_ref o) noexcept {
        std::swap(state_, o.state_);
        return *this;
    }
    ~state_ref() {
        if (state_) state_->drop_ref();
    }

    /// Takes over a reference that somebody counted before.
    static state_ref adopt(S* s) noexcept {
        state_ref r;
        r.state_ = s;
        return r;
    }
    /// The caller drops the reference.
    S* release() noexcept { return std::exchange(state_, nullptr); }

    S* get() const noexcept { return state_; }
    S* operator->() const noexcept { return state_; }
    S& operator*() const noexcept { return *state_; }
    explicit operator bool() const noexcept { return state_ != nullptr; }
    friend bool operator==(const state_ref& a, const state_ref& b) noexcept {
        return a.state_ == b.state_;
    }

private:
    S* state_ = nullptr;
};

template <class S, class... A>
state_ref<S> make_state(A&&... args) {
    return state_ref<S>(new S(static_cast<A&&>(args)...));
}

}  // namespace green::detail
