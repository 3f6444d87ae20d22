#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace bench {

/// What the servers of the suite `net_http` answer; made once a second, for its Date.
inline std::string_view http_response() {
    static std::string text;
    static std::time_t of = 0;
    std::time_t const now = std::time(nullptr);
    if (now != of) {
        of = now;
        std::tm parts{};
        gmtime_r(&now, &parts);
        char date[64];
        std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        text = std::string("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"
               ) +
            "Date: " + date + "\r\n\r\nHello, World!";
    }
    return text;
}

}  // namespace bench
