#pragma once

// Internal: a future that one thread alone ends, the manager of a process pool.

#include <green/executor/future_state.hpp>

#include <memory>
#include <utility>

namespace green::detail {

class process_pool;
/// This is the thread on which the futures of the pool end.
bool is_manager_of(const process_pool& pool) noexcept;
/// std::logic_error on that thread, in a callback or a codec: it would wait for itself.
void refuse_own_wait(const process_pool& pool);

template <class T>
class pool_future : public future_state<T> {
public:
    explicit pool_future(std::shared_ptr<process_pool> pool) : pool_(std::move(pool)) {}

protected:
    process_pool& pool() const noexcept { return *pool_; }

private:
    void begin_block(const blocked_wait&) const override { refuse_own_wait(*pool_); }
    const void* executor_of_this_thread() const noexcept override {
        return is_manager_of(*pool_) ? pool_.get() : nullptr;
    }

    std::shared_ptr<process_pool> pool_;
};

}  // namespace green::detail
