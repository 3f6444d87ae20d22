#include "executor/process_jobs.hpp"

#include <green/executor/codec_error.hpp>
#include <green/executor/process_executor.hpp>
#include <green/loop/run.hpp>

#include <stdexcept>
#include <vector>

using namespace green;
using namespace green_test;

// Values that cannot be sent, on each of the four ways: an argument there, a result back, each written
// and read.

namespace {

enum class failing : unsigned char { nothing, write_here, read_there, write_there, read_here };

struct parcel {
    failing when = failing::nothing;
};
bool is_here = true;  // not in a worker

void arrive() { is_here = false; }
parcel send_back(const parcel& p) { return p; }
failing look_into(const parcel& p) { return p.when; }

}  // namespace

template <>
struct green::codec<parcel> {
    static void encode(encoder& e, const parcel& p) {
        if (p.when == (is_here ? failing::write_here : failing::write_there)) {
            throw std::runtime_error("too heavy");
        }
        e.put(p.when);
    }
    static parcel decode(decoder& d) {
        parcel const p{d.get<failing>()};
        if (p.when == (is_here ? failing::read_here : failing::read_there)) {
            d.fail("a parcel", "torn");
        }
        return p;
    }
};

namespace {

/// One worker, which knows that it is one.
process_executor_options one_worker() {
    process_executor_options options;
    options.max_workers = 1;
    options.initializer = arrive;
    return options;
}

}  // namespace

// conformance 68
TEST_CASE("process_executor: an argument that cannot be sent", "[process_codec]") {
    process_executor pool(one_worker());
    REQUIRE_THROWS_WITH(pool.submit(look_into, parcel{failing::write_here}), "too heavy");
    REQUIRE_THROWS_AS(pool.submit(look_into, parcel{failing::read_there}).result(), codec_error);
    REQUIRE(pool.submit(look_into, parcel{}).result() == failing::nothing);
    REQUIRE(pool.stats().workers_started == 1);
}

// conformance 69, 70, 72
TEST_CASE("process_executor: a result that cannot be sent", "[process_codec]") {
    process_executor pool(one_worker());
    for (int i = 0; i < 20; ++i) {
        auto unwritten = pool.submit(send_back, parcel{failing::write_there});
        auto unread = pool.submit(send_back, parcel{failing::read_here});
        auto whole = pool.submit(send_back, parcel{});
        REQUIRE_THROWS_WITH(unwritten.result(), "too heavy");
        REQUIRE_THROWS_AS(unread.result(), codec_error);
        REQUIRE(whole.result().when == failing::nothing);
    }
    REQUIRE(pool.stats().workers_started == 1);
}

// conformance 138
TEST_CASE("process_executor: an item of a map that cannot be sent", "[process_codec]") {
    auto const when = GENERATE(
        failing::write_here, failing::read_there, failing::write_there, failing::read_here
    );
    run([when]() -> task<> {
        process_executor pool(one_worker());
        std::vector<parcel> const parcels{parcel{}, parcel{when}, parcel{}};
        map_options options;
        options.chunksize = 1;
        bool failed = false;
        try {
            co_await pool.map(send_back, parcels, options).collect();
        } catch (const std::exception&) {
            failed = true;
        }
        REQUIRE(failed);
        failing const after = co_await pool.run(look_into, parcel{});
        REQUIRE(after == failing::nothing);
        co_await pool.close();
    });
}
