// The files of a directory over HTTP/1.1, on Boost.Beast's parser.
//
//     file_server                     shows it with files of its own
//     file_server DIRECTORY           serves it on 127.0.0.1:8080, until Ctrl-C
//     file_server DIRECTORY PORT
//
// Connections stay open, requests may be pipelined, and what came together is answered with one write. A request has 8 KiB of
// header fields and ten seconds for them, a connection may be idle for a minute. A path cannot leave the directory, by dots or
// by links. Files are read on threads and remembered for a second. Parts of files (Range) and bodies of requests are not served.

#include <green/green.hpp>

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

using namespace std::chrono_literals;
using green::task;
namespace beast = boost::beast::http;
namespace fs = std::filesystem;

constexpr std::size_t header_limit = 8 << 10;  // bytes
constexpr auto header_time = 10s;
constexpr auto idle_time = 60s;
constexpr std::size_t largest_batch = 64 << 10;  // bytes of responses before they are written
constexpr std::uintmax_t largest_file = 64 << 20;
constexpr auto remembered = 1s;

// --- files

struct file {
    int status = 404;
    std::string type = "text/plain";
    std::string bytes = "not found\n";
};
using file_ptr = std::shared_ptr<const file>;

std::string_view type_of(const fs::path& path) {
    static const std::unordered_map<std::string, std::string_view> types{
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".json", "application/json"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".svg", "image/svg+xml"},
        {".txt", "text/plain; charset=utf-8"},
    };
    auto const known = types.find(path.extension().string());
    return known == types.end() ? "application/octet-stream" : known->second;
}

/// Whether `path`, which has neither links nor dots any more, is in `root`.
bool is_below(const fs::path& root, const fs::path& path) {
    auto const rest = path.lexically_relative(root);
    return !rest.empty() && *rest.begin() != "..";
}

/// On a thread: what is at a path below `root`, a page that says so if there is nothing.
file_ptr load(const fs::path& root, const std::string& name) {
    auto found = std::make_shared<file>();
    std::error_code error;
    fs::path path = fs::canonical(root / fs::path(name).relative_path(), error);
    if (!error && fs::is_directory(path, error)) path = fs::canonical(path / "index.html", error);
    if (error || !is_below(root, path) || !fs::is_regular_file(path, error)) return found;
    auto const size = fs::file_size(path, error);
    if (error || size > largest_file) return found;
    std::ifstream in(path, std::ios::binary);
    found->bytes.resize(size);
    if (!in.read(found->bytes.data(), static_cast<std::streamsize>(size)))
        return std::make_shared<file>();
    found->status = 200;
    found->type = type_of(path);
    return found;
}

/// `%41` is A. Empty if it is wrong, or would end the name for the system.
std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (text.size() - i < 3) return std::nullopt;
            unsigned byte = 0;
            auto const read = std::from_chars(&text[i + 1], &text[i + 1] + 2, byte, 16);
            if (read.ptr != &text[i + 1] + 2) return std::nullopt;
            c = static_cast<char>(byte);
            i += 2;
        }
        if (c == '\0') return std::nullopt;
        out += c;
    }
    return out;
}

class site {
public:
    explicit site(const fs::path& root) : root_(fs::canonical(root)) {}

    task<file_ptr> find(std::string_view target) {
        auto const name = decoded(target.substr(0, target.find_first_of("?#")));
        if (!name || !name->starts_with('/')) co_return std::make_shared<file>();
        auto const known = files_.find(*name);
        if (known != files_.end() && green::now() - known->second.since < remembered)
            co_return known->second.what;
        file_ptr what = co_await readers_.run(load, root_, *name);
        if (files_.size() > 1000) files_.clear();
        files_[*name] = {what, green::now()};
        co_return what;
    }

private:
    struct entry {
        file_ptr what;
        green::clock::time_point since;
    };
    fs::path root_;
    green::thread_executor readers_{2};
    std::unordered_map<std::string, entry> files_;
};

// --- responses

/// `Sun, 06 Nov 1994 08:49:37 GMT`, made once a second.
std::string_view date() {
    thread_local char text[64];
    thread_local std::time_t of = 0;
    std::time_t const now = std::time(nullptr);
    if (now != of) {
        std::tm parts{};
        gmtime_r(&now, &parts);
        std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        of = now;
    }
    return text;
}

void append(std::string& out, const file& f, bool keep, bool with_body) {
    auto const reason = beast::obsolete_reason(beast::int_to_status(static_cast<unsigned>(f.status))
    );
    out += "HTTP/1.1 " + std::to_string(f.status) + ' ';
    out.append(reason.data(), reason.size());
    (out += "\r\nDate: ") += date();
    (out += "\r\nContent-Type: ") += f.type;
    out += "\r\nContent-Length: " + std::to_string(f.bytes.size());
    if (f.status == 405) out += "\r\nAllow: GET, HEAD";
    if (!keep) out += "\r\nConnection: close";
    out += "\r\nAccept-Ranges: none\r\n\r\n";
    if (with_body) out += f.bytes;
}

file problem(int status, std::string_view words) {
    return {status, "text/plain", std::string(words) + '\n'};
}

// --- a connection

class connection {
public:
    connection(green::tcp_stream peer, site& files) : peer_(std::move(peer)), files_(files) {
        next_request();
    }

    task<> run() {
        bool open = true;
        while (open) {
            open = co_await read_more();
            while (open && !input_.empty()) {
                boost::system::error_code error;
                std::size_t const used = parser_->put(boost::asio::buffer(input_), error);
                input_.erase(0, used);
                if (error == beast::error::need_more) break;
                open = co_await answer(error);
            }
            co_await write_batch();
        }
        co_await peer_.shutdown_write();
    }

private:
    using parser = beast::request_parser<beast::empty_body>;

    void next_request() {
        parser_.emplace();
        parser_->header_limit(header_limit);
        began_.reset();
    }

    /// False at the end, and when the peer takes too long.
    task<bool> read_more() {
        bool const within = began_.has_value();
        auto const limit = within ? *began_ + header_time - green::now()
                                  : std::chrono::nanoseconds(idle_time);
        auto const part = co_await green::move_on_after(limit, peer_.read());
        if (!part) {
            if (within) append(batch_, problem(408, "too slow"), false, true);
            co_return false;
        }
        if (!began_) began_ = green::now();
        input_ += part->view();
        co_return !part->empty();
    }

    /// One request, read to its end or refused. Whether the connection goes on.
    task<bool> answer(boost::system::error_code error) {
        if (error) {
            bool const large = error == beast::error::header_limit;
            append(
                batch_, large ? problem(431, "too large") : problem(400, "no request"), false, true
            );
            co_return false;
        }
        auto const& request = parser_->get();
        // Of a request with a body, that is still to come; nobody reads it here.
        bool const keep = request.keep_alive() && parser_->is_done();
        bool const head = request.method() == beast::verb::head;
        if (head || request.method() == beast::verb::get) {
            auto const target = request.target();
            file_ptr const found = co_await files_.find({target.data(), target.size()});
            append(batch_, *found, keep, !head);
        } else {
            append(batch_, problem(405, "GET or HEAD"), keep, true);
        }
        next_request();
        if (batch_.size() > largest_batch) co_await write_batch();
        co_return keep;
    }

    task<> write_batch() {
        if (!batch_.empty()) co_await peer_.write_all(batch_);
        batch_.clear();
    }

    green::tcp_stream peer_;
    site& files_;
    std::optional<parser> parser_;
    std::optional<green::clock::time_point> began_;  // of the request that is being read
    std::string input_;
    std::string batch_;
};

task<> serve_files(green::tcp_listener& listener, site& files) {
    auto const talk = [&files](green::tcp_stream peer) -> task<> {
        connection c(std::move(peer), files);
        co_await c.run();
    };
    green::serve_options o;
    o.max_connections = 10'000;
    o.grace_on_cancel = 1s;  // for responses that are being written
    co_await green::serve(listener, talk, o);
}

task<> serve_directory(fs::path root, std::uint16_t port) {
    site files(root);
    auto listener = green::tcp_listener::bind("127.0.0.1", port);
    std::printf("http://%s/\n", listener.local_address().to_string().c_str());
    std::fflush(stdout);
    co_await serve_files(listener, files);
}

// --- the demonstration

/// A directory with some files, and one beside it that is nobody's business.
class sample {
public:
    sample() {
        fs::create_directory(root());
        write(root() / "index.html", "<h1>hello</h1>\n");
        write(root() / "style.css", "h1 { color: green }\n");
        write(root() / "large.txt", std::string(3'000'000, '.'));
        write(base_ / "secret.txt", "secret\n");
        fs::create_symlink(base_ / "secret.txt", root() / "link.txt");
    }
    sample(const sample&) = delete;
    sample& operator=(const sample&) = delete;
    ~sample() {
        std::error_code ignored;
        fs::remove_all(base_, ignored);
    }
    fs::path root() const { return base_ / "root"; }

private:
    static fs::path make_base() {
        std::string name = (fs::temp_directory_path() / "green-files-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("no temporary directory");
        return name;
    }
    static void write(const fs::path& path, const std::string& text) {
        std::ofstream(path, std::ios::binary) << text;
    }
    fs::path base_ = make_base();
};

task<> show(std::string server, std::string method, std::string path) {
    auto r = co_await green::http::request(method, server + path);
    std::string const body = co_await r.text();
    std::string const type(r.headers().get("Content-Type"));
    std::printf(
        "%s %s: %d %s, %s, %zu bytes\n", method.c_str(), path.c_str(), r.status(),
        r.reason().c_str(), type.c_str(), body.size()
    );
}

/// Status lines of what comes back when all of `requests` is sent at once.
task<> send_raw(green::address server, std::string requests) {
    auto peer = co_await green::tcp_stream::connect(server);
    co_await peer.write_all(requests);
    std::string all;
    for (;;) {
        green::chunk const c = co_await peer.read();
        if (c.empty()) break;
        all += c.view();
    }
    for (std::size_t at = 0; (at = all.find("HTTP/1.1 ", at)) != std::string::npos; ++at) {
        std::printf("  %s\n", all.substr(at, all.find('\r', at) - at).c_str());
    }
}

task<> demonstrate() {
    sample const directory;
    site files(directory.root());
    auto listener = green::tcp_listener::bind("127.0.0.1", 0);
    auto const where = listener.local_address();
    auto serving = green::spawn(serve_files(listener, files));
    std::string const server = "http://" + where.to_string();
    for (const char* path : {"/", "/style.css?v=1", "/large.txt", "/none", "/link.txt"}) {
        co_await show(server, "GET", path);
    }
    co_await show(server, "HEAD", "/large.txt");
    co_await show(server, "DELETE", "/");
    std::printf("connections: %zu\n", green::http::default_client().connections_made());
    std::printf("out of the directory:\n");
    co_await send_raw(
        where, "GET /../secret.txt HTTP/1.1\r\n\r\nGET /%2e%2e/secret.txt HTTP/1.0\r\n\r\n"
    );
    std::printf("three at once:\n");
    co_await send_raw(
        where,
        "GET / HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: "
        "close\r\n\r\n"
    );
    std::printf("too much, and nonsense:\n");
    co_await send_raw(where, "GET / HTTP/1.1\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n");
    co_await send_raw(where, "hello\r\n\r\n");
    green::http::default_client().close();
    serving.cancel();
    co_await serving.join();
}

task<> amain(int argc, char** argv) {
    if (argc == 1) return demonstrate();
    return serve_directory(
        argv[1], argc > 2 ? static_cast<std::uint16_t>(std::atoi(argv[2])) : 8080
    );
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(&amain, argc, argv); }
