#pragma once

#include <green/executor/remote_function.hpp>

#include <exception>
#include <stop_token>
#include <utility>

namespace green_test {

/// A request to call `f(args...)`, as it would be sent to a worker.
template <class F, class... A>
green::byte_buffer request_of(F f, A... args) {
    green::byte_buffer bytes;
    green::encoder e(bytes);
    green::detail::encode_call(e, f, std::move(args)...);
    return bytes;
}

/// The reply of a worker to a request.
inline green::byte_buffer reply_to(
    std::span<const std::byte> request, const std::stop_token& stop = {}
) {
    green::byte_buffer bytes;
    green::encoder e(bytes);
    green::decoder d(request);
    green::detail::run_call(d, e, stop);
    return bytes;
}

/// What a reply says: the value, or the exception thrown here.
template <class T>
T result_of(const green::byte_buffer& reply) {
    green::decoder d(reply.bytes());
    auto outcome = green::detail::decode_reply<T>(d);
    if (outcome.error) std::rethrow_exception(outcome.error);
    if constexpr (!std::is_void_v<T>) return std::move(*outcome.value);
}

/// `f(args...)` through bytes, in this process.
template <class F, class... A>
auto loop_back(F f, A... args) {
    using result = green::detail::remote_result<F, A...>;
    return result_of<result>(reply_to(request_of(std::move(f), std::move(args)...).bytes()));
}

}  // namespace green_test
