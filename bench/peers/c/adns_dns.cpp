// bench/dns.cpp with adns: 200 names under way, as its own tool has them. It has no query for both families
// that asks for each by itself; adns_r_addr does.

#include "dns_figures.hpp"

#include <cstring>

#include <adns.h>

namespace {

constexpr std::size_t window = 200;

class asker {
public:
    asker() {
        int const error = adns_init(&state_, adns_if_none, nullptr);
        if (error != 0) bench::no_answer("adns_init", std::strerror(error));
    }
    asker(const asker&) = delete;
    asker& operator=(const asker&) = delete;
    ~asker() { adns_finish(state_); }

    void look_up(const std::string& name, bool both) {
        auto const flags = static_cast<adns_queryflags>(both ? adns_qf_want_allaf : adns_qf_none);
        adns_query query = nullptr;
        int const error = adns_submit(
            state_, name.c_str(), both ? adns_r_addr : adns_r_a, flags, nullptr, &query
        );
        if (error != 0) bench::no_answer(name, std::strerror(error));
    }
    void wait_for_one() {
        adns_query query = nullptr;
        adns_answer* answer = nullptr;
        void* context = nullptr;
        int const error = adns_wait_poll(state_, &query, &answer, &context);
        if (error != 0) bench::no_answer("adns_wait", std::strerror(error));
        if (answer->status != adns_s_ok) bench::no_answer("a name", adns_strerror(answer->status));
        std::free(answer);
    }

private:
    adns_state state_ = nullptr;
};

void look_up_all(std::size_t first, std::size_t names, bool both) {
    asker names_of;
    std::size_t under_way = 0;
    for (std::size_t i = 0; i < names; ++i, ++under_way) {
        if (under_way == window) {
            names_of.wait_for_one();
            --under_way;
        }
        names_of.look_up(bench::absolute_name(first + i), both);
    }
    for (; under_way > 0; --under_way) names_of.wait_for_one();
}

}  // namespace

int main(int argc, char** argv) { bench::dns_figures("adns", argc, argv, look_up_all); }
