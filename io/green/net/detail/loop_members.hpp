#pragma once

#include <green/core/intrusive_list.hpp>
#include <green/loop/loop_core.hpp>

namespace green::detail {

/// What is open on a loop and may be older than its run or younger: it is told when the loop closes,
/// so that nothing of it stays behind in libuv.
class loop_members final : public loop_service {
public:
    class member : public list_node<member> {
    public:
        /// It is no member any more.
        virtual void loop_closes() noexcept = 0;

    protected:
        ~member() = default;
    };

    ~loop_members() override {
        while (member* m = members_.pop_front()) m->loop_closes();
    }
    void add(member& m) noexcept { members_.push_back(m); }
    void remove(member& m) noexcept { members_.remove(m); }

private:
    intrusive_list<member> members_;
};

}  // namespace green::detail
