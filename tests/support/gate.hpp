#pragma once

#include <algorithm>
#include <coroutine>
#include <deque>

namespace green_test {

/// An awaitable that is not green's own: a door that the test opens. Waiters go through in order and
/// get the value that the door was opened with.
///
/// It is cancellable the way the awaitable protocol says: `cancel()` is true when the waiter has been
/// forgotten. A gate that refuses says false and lets its waiters through when it opens. It counts the
/// waiters that were destroyed before they were let through or forgotten, which must never happen.
class gate {
public:
    enum class when_cancelled { forgets, refuses };

    explicit gate(when_cancelled policy = when_cancelled::forgets) : policy_(policy) {}
    gate(const gate&) = delete;
    gate& operator=(const gate&) = delete;

    class awaiter {
    public:
        explicit awaiter(gate& g) : gate_(g) {}
        awaiter(const awaiter& o) : gate_(o.gate_) {}
        awaiter& operator=(const awaiter&) = delete;
        ~awaiter() {
            if (waits_) {
                ++gate_.broken_;
                gate_.forget(*this);
            }
        }

        bool await_ready() const { return gate_.open_; }
        void await_suspend(std::coroutine_handle<> h) {
            handle_ = h;
            waits_ = true;
            gate_.waiters_.push_back(this);
        }
        int await_resume() const { return gate_.value_; }
        bool cancel() noexcept {
            ++gate_.asked_;
            if (gate_.policy_ == when_cancelled::refuses) return false;
            gate_.forget(*this);
            return true;
        }

    private:
        friend class gate;
        gate& gate_;
        std::coroutine_handle<> handle_;
        bool waits_ = false;
    };

    awaiter wait() { return awaiter(*this); }

    void open(int value = 0) {
        open_ = true;
        value_ = value;
        while (!waiters_.empty()) {
            awaiter* const first = waiters_.front();
            forget(*first);
            first->handle_.resume();
        }
    }
    void shut() { open_ = false; }

    std::size_t waiting() const { return waiters_.size(); }
    /// How often a waiter's cancel() was called.
    int asked() const { return asked_; }
    int broken() const { return broken_; }

private:
    void forget(awaiter& a) {
        waiters_.erase(std::find(waiters_.begin(), waiters_.end(), &a));
        a.waits_ = false;
    }

    std::deque<awaiter*> waiters_;
    when_cancelled policy_;
    bool open_ = false;
    int value_ = 0;
    int asked_ = 0;
    int broken_ = 0;
};

}  // namespace green_test
