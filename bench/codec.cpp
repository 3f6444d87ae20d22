// What it costs to write values as bytes and to read them back. bench/limit/codec.cpp copies the same bytes
// with memcpy.

#include "codec.hpp"

#include "measure.hpp"

#include <green/executor/codec_std.hpp>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {

struct point {
    double x = 0;
    double y = 0;
};

struct item {
    std::int64_t id = 0;
    std::string name;
    std::vector<std::string> tags;
    std::optional<double> score;
    std::map<std::string, int> counts;
    point where;
};

/// A message as services exchange them: some 4 kB of structs, strings and maps.
struct document {
    std::vector<item> items;
    std::vector<point> points;
};

document make_document() {
    document made;
    for (int i = 0; i < 20; ++i) {
        std::string const n = std::to_string(i);
        made.items.push_back({
            i,
            "an item with number " + n,
            {"tag one", "tag two " + n, "a third tag", "t"},
            i % 2 == 0 ? std::optional(i * 0.5) : std::nullopt,
            {{"first", i}, {"second key", 2 * i}, {"third", 3 * i}},
            {i * 1.0, i * 2.0},
        });
    }
    made.points.resize(50, {1, 2});
    return made;
}

/// Writes `value` into one buffer again and again, and reads it into fresh objects.
template <class T>
void figure(const bench::program& out, const std::string& name, const T& value, int times) {
    bench::best_slice encoding;
    bench::best_slice decoding;
    green::byte_buffer bytes;
    for (int s = 0; s < out.slices(); ++s) {
        encoding.begin();
        for (int i = 0; i < times; ++i) {
            bytes.clear();
            green::encoder(bytes).put(value);
            bench::use(bytes.data());
        }
        encoding.end(static_cast<std::size_t>(times));

        decoding.begin();
        for (int i = 0; i < times; ++i) {
            green::decoder d(bytes.bytes());
            T read = d.get<T>();
            bench::use(&read);
        }
        decoding.end(static_cast<std::size_t>(times));
    }
    out.report((name + "_encode").c_str(), encoding.ns(), "ns");
    out.report((name + "_decode").c_str(), decoding.ns(), "ns");
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("green", argc, argv);
    if (out.wants("codec_int")) figure(out, "codec_int", std::int32_t{7}, bench::small_values);
    if (out.wants("codec_string")) {
        figure(out, "codec_string", std::string(bench::letters, 'x'), bench::small_values);
    }
    if (out.wants("codec_row")) {
        figure(out, "codec_row", std::vector<double>(bench::row, 1.5), bench::rows);
    }
    if (out.wants("codec_document")) {
        figure(out, "codec_document", make_document(), bench::documents);
    }
}
