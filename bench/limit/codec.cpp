// The bytes of a row of doubles and of a string, copied: into a buffer that is there, and out of it into
// memory that is new.

#include "../codec.hpp"

#include "../measure.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

void figure(const bench::program& out, const std::string& name, std::size_t size, int times) {
    bench::best_slice encoding;
    bench::best_slice decoding;
    std::vector<char> const value(size, 'x');
    std::vector<char> buffer(size);
    for (int s = 0; s < out.slices(); ++s) {
        encoding.begin();
        for (int i = 0; i < times; ++i) {
            std::memcpy(buffer.data(), value.data(), size);
            bench::use(buffer.data());
        }
        encoding.end(static_cast<std::size_t>(times));

        decoding.begin();
        for (int i = 0; i < times; ++i) {
            void* const fresh = std::malloc(size);
            std::memcpy(fresh, buffer.data(), size);
            bench::use(fresh);
            std::free(fresh);
        }
        decoding.end(static_cast<std::size_t>(times));
    }
    out.report((name + "_encode").c_str(), encoding.ns(), "ns");
    out.report((name + "_decode").c_str(), decoding.ns(), "ns");
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("limit", argc, argv);
    if (out.wants("codec_string")) figure(out, "codec_string", bench::letters, bench::small_values);
    if (out.wants("codec_row")) {
        figure(out, "codec_row", bench::row * sizeof(double), bench::rows);
    }
}
