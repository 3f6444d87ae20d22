#pragma once

#include <green/core/task.hpp>
#include <green/sync/semaphore.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>

namespace green::detail {

/// How many requests may be under way, to each server and in all. First come, first served, at the
/// server first: who waits for a place there keeps none from requests to others.
///
/// libcurl has such limits as well. There a request in front whose server has no place keeps those
/// behind it waiting, whatever server is theirs (7.88).
class request_limits {
public:
    request_limits(std::size_t total, std::size_t per_host);

    struct host {
        explicit host(std::size_t places) : free(places) {}
        semaphore free;
        std::size_t users = 0;
    };

    /// Somebody who has a place at a server, or waits for one: keeps the entry of that server.
    class place {
    public:
        place() = default;
        place(request_limits& limits, const std::string& origin);
        place(place&& other) noexcept;
        place& operator=(place&& other) noexcept;
        ~place() { leave(); }

        /// Gives it back.
        void leave() noexcept;

    private:
        friend request_limits;
        request_limits* limits_ = nullptr;
        std::unordered_map<std::string, host>::iterator at_{};
        semaphore::permit host_;
        semaphore::permit total_;
    };

    /// Waits until there is a place. **cancel:** total.
    task<> enter(place& p);
    /// The same without waiting, if there is one.
    bool try_enter(place& p);

private:
    std::size_t per_host_;
    semaphore total_;
    std::unordered_map<std::string, host> hosts_;
};

}  // namespace green::detail
