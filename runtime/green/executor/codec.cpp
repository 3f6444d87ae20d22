#include <green/executor/codec.hpp>

#include <green/executor/codec_error.hpp>

#include <cstdint>
#include <string>

namespace green {
namespace {

const char* bytes_word(std::size_t n) { return n == 1 ? " byte" : " bytes"; }

std::string count_of_bytes(std::size_t n) { return std::to_string(n) + bytes_word(n); }

}  // namespace

bool detail::decode_bool(decoder& d, const char* what) {
    std::byte const byte = *d.take(1, what);
    if (byte > std::byte{1}) d.fail(what, "neither 0 nor 1");
    return byte == std::byte{1};
}

void detail::refuse_valueless() {
    throw codec_error("encode a std::variant: it has no value (valueless_by_exception)");
}

void encoder::write_big_size(std::size_t n) {
    std::byte* const at = out_.extend(1 + sizeof(std::uint64_t));
    auto const wide = static_cast<std::uint64_t>(n);
    *at = std::byte{0xff};
    std::memcpy(at + 1, &wide, sizeof wide);
}

void encoder::too_deep() {
    throw codec_error(
        "encode a value: more than " + std::to_string(deepest) + " containers inside each other"
    );
}

std::size_t decoder::read_big_size(const char* what) {
    take(1, what);
    std::uint64_t wide = 0;
    read(&wide, sizeof wide, what);
    // One way to write a length only.
    if (wide < 0xff) fail(what, "a length that is written in a wrong way");
    return static_cast<std::size_t>(wide);
}

void decoder::fail(const char* what, std::string_view reason) const {
    std::string text = "decode ";
    text += what;
    text += " at byte " + std::to_string(offset());
    text += " of " + std::to_string(offset() + remaining()) + ": ";
    text += reason;
    throw codec_error(text);
}

void decoder::too_short(std::size_t wanted, const char* what) const {
    fail(what, count_of_bytes(wanted) + " wanted, " + std::to_string(remaining()) + " left");
}

void decoder::bad_count(std::size_t n, const char* what) const {
    fail(what, "a length of " + std::to_string(n) + ", " + count_of_bytes(remaining()) + " left");
}

void decoder::left_over(const char* what) const {
    fail(what, count_of_bytes(remaining()) + " left over");
}

decoder::level::level(decoder& d, const char* what) : depth_(d.depth_) {
    if (depth_ == encoder::deepest) d.fail(what, "too many containers inside each other");
    ++depth_;
}

}  // namespace green
