#include <green/net/stream_error.hpp>

namespace green {
namespace {

class category final : public std::error_category {
public:
    const char* name() const noexcept override { return "green stream"; }
    std::string message(int value) const override {
        switch (static_cast<stream_errc>(value)) {
        case stream_errc::end_of_stream: return "end of stream";
        case stream_errc::broken: return "broken by a write that was given up in the middle";
        case stream_errc::delimiter_not_found: return "no delimiter within the limit";
        }
        return "unknown";
    }
};

}  // namespace

const std::error_category& stream_category() noexcept {
    static const category the_category;
    return the_category;
}

std::error_code make_error_code(stream_errc e) noexcept {
    return {static_cast<int>(e), stream_category()};
}

}  // namespace green
