#include <green/dns/detail/question_key.hpp>

#include <cstdint>
#include <cstring>
#include <random>

namespace green::detail {
namespace {

std::uint64_t draw_secret() {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
}

/// Both halves of the product: every bit of the result depends on every bit of a and b.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    __extension__ using wide = unsigned __int128;
    wide const product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

std::size_t question_key::hash_of(std::string_view name, record_type type) noexcept {
    static std::uint64_t const secret = draw_secret();
    constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio
    std::uint64_t hash = secret ^ (static_cast<std::uint64_t>(type) << 32 | name.size());
    while (name.size() >= 8) {
        std::uint64_t word;
        std::memcpy(&word, name.data(), 8);
        hash = mix(hash ^ word, odd);
        name.remove_prefix(8);
    }
    std::uint64_t rest = 0;
    std::memcpy(&rest, name.data(), name.size());
    return mix(hash ^ rest, odd ^ secret);
}

}  // namespace green::detail
