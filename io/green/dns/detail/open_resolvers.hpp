#pragma once

#include <green/core/intrusive_list.hpp>
#include <green/loop/loop_core.hpp>

namespace green::detail {

/// The open resolvers of a loop, so that none outlives its libuv loop.
class open_resolvers final : public loop_service {
public:
    class member : public list_node<member> {
    public:
        virtual void loop_closes() noexcept = 0;

    protected:
        ~member() = default;
    };

    ~open_resolvers() override {
        while (member* m = members_.pop_front()) m->loop_closes();
    }
    void add(member& m) noexcept { members_.push_back(m); }
    void remove(member& m) noexcept { members_.remove(m); }

private:
    intrusive_list<member> members_;
};

}  // namespace green::detail
