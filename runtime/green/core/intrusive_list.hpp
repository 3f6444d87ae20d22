#pragma once

#include <green/core/config.hpp>

#include <cassert>
#include <cstddef>

namespace green::detail {

template <class T>
class intrusive_list;

/// The links of an element of one `intrusive_list<T>`; T derives from it. An element is in one list
/// at most and is not moved while it is.
template <class T>
class list_node {
public:
    list_node() = default;
    list_node(const list_node&) = delete;
    list_node& operator=(const list_node&) = delete;

    bool linked() const noexcept { return next_ != nullptr; }

private:
    friend class intrusive_list<T>;
    T* next_ = nullptr;
    T* prev_ = nullptr;
};

/// A FIFO of elements that someone else owns: one pointer, O(1) push, pop and removal anywhere.
template <class T>
class intrusive_list {
public:
    intrusive_list() = default;
    intrusive_list(const intrusive_list&) = delete;
    intrusive_list& operator=(const intrusive_list&) = delete;
    ~intrusive_list() { assert(empty()); }

    bool empty() const noexcept { return head_ == nullptr; }
    T* front() const noexcept { return head_; }
    T* back() const noexcept { return head_ ? node(head_).prev_ : nullptr; }

    /// The element after `e`, null after the last.
    T* after(const T& e) const noexcept {
        T* const next = node(&e).next_;
        return next == head_ ? nullptr : next;
    }

    /// The element before `e`, null before the first.
    T* before(const T& e) const noexcept { return head_ == &e ? nullptr : node(&e).prev_; }

    void push_back(T& e) noexcept {
        assert(!node(&e).linked());
        if (!head_) {
            head_ = &e;
            node(&e).next_ = node(&e).prev_ = &e;
            return;
        }
        T* const last = node(head_).prev_;
        node(&e).next_ = head_;
        node(&e).prev_ = last;
        node(last).next_ = &e;
        node(head_).prev_ = &e;
    }

    void push_front(T& e) noexcept {
        push_back(e);
        head_ = &e;  // it is a ring
    }

    void remove(T& e) noexcept {
        assert(node(&e).linked());
        T* const next = node(&e).next_;
        T* const prev = node(&e).prev_;
        if (next == &e) {
            head_ = nullptr;
        } else {
            node(prev).next_ = next;
            node(next).prev_ = prev;
            if (head_ == &e) head_ = next;
        }
        node(&e).next_ = node(&e).prev_ = nullptr;
    }

    T* pop_front() noexcept {
        T* const e = head_;
        if (e) remove(*e);
        return e;
    }

private:
    static list_node<T>& node(T* e) noexcept { return *e; }
    static const list_node<T>& node(const T* e) noexcept { return *e; }

    T* head_ = nullptr;
};

}  // namespace green::detail
