#include <green/executor/remote_function.hpp>

#include <green/executor/codec_error.hpp>

#include <string>

namespace green::detail {
namespace {

/// A place in a module.
void encode_place(encoder& e, const void* address) {
    auto const put = [&](const code_module& m) {
        e.put(m.path());
        if (!m.path().empty()) e.put(m.identity());
        e.put(m.offset_of(address));
    };
    if (main_module().contains(address)) {
        put(main_module());
    } else {
        put(*module_of(address));
    }
}

struct place {
    module_ptr library;  // null: the program
    std::uint64_t offset = 0;

    const code_module& module() const { return library ? *library : main_module(); }
};

place decode_place(decoder& d) {
    std::size_t const size = d.read_count(1, "the module of a function");
    auto const* const path = reinterpret_cast<const char*>(d.take(size, "the module of a function")
    );
    place p;
    if (size != 0) p.library = module_at({path, size}, d.get<std::uint64_t>());
    p.offset = d.get<std::uint64_t>();
    return p;
}

/// The magic of what may be a descriptor: of any constant, and of what a sanitizer has put between
/// two. volatile, or g++ would read it in the caller.
[[gnu::noinline, gnu::no_sanitize_address]] std::uint64_t read_magic(const remote_descriptor& d) {
    return const_cast<const volatile std::uint64_t&>(d.magic);
}

const remote_descriptor& decode_descriptor(decoder& d) {
    place const p = decode_place(d);
    auto const magic = d.get<std::uint64_t>();
    const void* const at = p.module().constant_at(p.offset, sizeof(remote_descriptor));
    if (at == nullptr || p.offset % alignof(remote_descriptor) != 0) {
        d.fail("the descriptor of a job", "no constant of its module");
    }
    const auto& descriptor = *static_cast<const remote_descriptor*>(at);
    if (read_magic(descriptor) != magic) {
        d.fail("the descriptor of a job", "what is at its place is for other types");
    }
    return descriptor;
}

}  // namespace

byte_buffer encode_descriptor(const remote_descriptor& descriptor) {
    byte_buffer bytes;
    encoder e(bytes);
    encode_place(e, &descriptor);
    e.put(descriptor.magic);
    return bytes;
}

void encode_code(encoder& e, const void* function) { encode_place(e, function); }

const void* decode_code(decoder& d) {
    place const p = decode_place(d);
    const void* const at = p.module().code_at(p.offset);
    if (at == nullptr) d.fail("the function of a job", "no code of its module");
    return at;
}

namespace {

/// An exception may have a codec that fails; then that is what the job ended with.
void encode_failure(encoder& reply, const std::exception_ptr& error) {
    std::size_t const start = reply.buffer().size();
    reply.put(reply_is_exception);
    try {
        encode_exception(reply, error);
    } catch (const std::exception& e) {
        reply.buffer().truncate(start);
        reply.put(reply_is_exception);
        encode_exception(
            reply,
            std::make_exception_ptr(
                codec_error(std::string("encode the exception of a job: ") + e.what())
            )
        );
    }
}

}  // namespace

void run_call(decoder& request, encoder& reply, const std::stop_token& stop) {
    std::size_t const start = reply.buffer().size();
    try {
        decode_descriptor(request).run(request, reply, stop);
    } catch (...) {
        reply.buffer().truncate(start);
        encode_failure(reply, std::current_exception());
    }
}

}  // namespace green::detail
