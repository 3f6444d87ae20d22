#include <green/net/detail/tls_buffers.hpp>

#include <algorithm>

namespace green::detail {
namespace {

tls_buffers& buffers_of(BIO* bio) noexcept { return *static_cast<tls_buffers*>(BIO_get_data(bio)); }

int read(BIO* bio, char* into, std::size_t size, std::size_t* moved) noexcept {
    auto& [input, input_ended, output] = buffers_of(bio);
    BIO_clear_retry_flags(bio);
    *moved = std::min(size, input.size());
    if (*moved == 0) {
        if (!input_ended) BIO_set_retry_read(bio);
        return 0;
    }
    std::copy_n(input.data(), *moved, reinterpret_cast<std::byte*>(into));
    input = input.subspan(*moved);
    return 1;
}

int write(BIO* bio, const char* data, std::size_t size, std::size_t* moved) noexcept try {
    auto const* const bytes = reinterpret_cast<const std::byte*>(data);
    auto& output = buffers_of(bio).output;
    output.insert(output.end(), bytes, bytes + size);
    BIO_clear_retry_flags(bio);
    *moved = size;
    return 1;
} catch (...) {  // out of memory; C code cannot be told so
    *moved = 0;
    return 0;
}

long control(BIO* bio, int what, long, void*) noexcept {
    switch (what) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return buffers_of(bio).input_ended && buffers_of(bio).input.empty() ? 1 : 0;
    default: return 0;
    }
}

BIO_METHOD* method() {
    static openssl_ptr<BIO_METHOD> const made = [] {
        openssl_ptr<BIO_METHOD> m(openssl_require(
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "green tls_engine")
        ));
        BIO_meth_set_read_ex(m.get(), read);
        BIO_meth_set_write_ex(m.get(), write);
        BIO_meth_set_ctrl(m.get(), control);
        return m;
    }();
    return made.get();
}

}  // namespace

openssl_ptr<BIO> make_bio(tls_buffers& buffers) {
    openssl_ptr<BIO> bio(openssl_require(BIO_new(method())));
    BIO_set_data(bio.get(), &buffers);
    BIO_set_init(bio.get(), 1);
    return bio;
}

}  // namespace green::detail
