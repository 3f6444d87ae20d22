#include "net/streams.hpp"

#include <green/core/errors.hpp>
#include <green/net/byte_stream.hpp>
#include <green/net/pipe.hpp>
#include <green/net/unix_listener.hpp>
#include <green/tasks/as_result.hpp>

#include <array>
#include <string>
#include <vector>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace green;
using namespace green_test;

static_assert(byte_stream<unix_stream>);

namespace {

/// A directory that goes with the test.
class directory {
public:
    directory() : path_("/tmp/green_unix_XXXXXX") { REQUIRE(::mkdtemp(path_.data())); }
    directory(const directory&) = delete;
    directory& operator=(const directory&) = delete;
    ~directory() {
        ::unlink(file().c_str());
        ::rmdir(path_.c_str());
    }
    std::string file() const { return path_ + "/socket"; }
    address socket() const { return address::parse(file()); }
    bool has_file() const { return ::access(file().c_str(), F_OK) == 0; }

private:
    std::string path_;
};

template <class F>
std::string failure(F f) {
    return error_of<std::system_error>(f);
}

}  // namespace

GREEN_TEST("unix: through a path, whose file goes with the listener", "[unix]") {
    directory const d;
    unix_listener l = unix_listener::bind(d.socket());
    REQUIRE(l.local_address() == d.socket());
    unix_stream a = co_await unix_stream::connect(d.socket());
    unix_stream b = co_await l.accept();
    REQUIRE(a.remote_address() == d.socket());
    REQUIRE(b.local_address() == d.socket());
    REQUIRE_FALSE(a.local_address());
    REQUIRE_FALSE(b.remote_address());
    co_await a.write_all("hello");
    co_await a.shutdown_write();
    std::string const heard = co_await read_all(b);
    REQUIRE(heard == "hello");
    REQUIRE(b.credentials().process == ::getpid());
    REQUIRE(a.credentials().user == ::getuid());
    REQUIRE(a.credentials().group == ::getgid());

    auto const waiting = spawn(error_of_wait<closed_error>(l.accept()));
    co_await settle();
    REQUIRE(d.has_file());
    l.close();
    REQUIRE_FALSE(d.has_file());
    std::string const error = co_await waiting;
    REQUIRE(error == "accept unix " + d.file() + ": closed meanwhile");
    std::string const gone =
        co_await error_of_wait<std::system_error>(unix_stream::connect(d.socket()));
    REQUIRE(gone == "connect unix " + d.file() + ": No such file or directory");
}

GREEN_TEST("unix: a file that was left behind is replaced, one in use is not", "[unix]") {
    directory const d;
    unix_listen_options narrow;
    narrow.permissions = 0600;
    unix_listener first = unix_listener::bind(d.socket(), narrow);
    struct stat file{};
    REQUIRE(::stat(d.file().c_str(), &file) == 0);
    REQUIRE((file.st_mode & 0777) == 0600);
    REQUIRE(failure([&] {
                unix_listener::bind(d.socket());
            }) == "listen unix " + d.file() + ": Address already in use");
    first.release().close();
    REQUIRE(d.has_file());
    unix_listen_options careful;
    careful.replace = false;
    REQUIRE(failure([&] { unix_listener::bind(d.socket(), careful); }).ends_with("already in use"));
    unix_listener second = unix_listener::bind(d.socket());
    first = std::move(second);
    unix_stream const a = co_await unix_stream::connect(d.socket());
    unix_stream const b = co_await first.accept();
    REQUIRE(b.is_open());
    // A path that another one has taken meanwhile is not removed.
    ::unlink(d.file().c_str());
    unix_listener const third = unix_listener::bind(d.socket());
    first.close();
    REQUIRE(d.has_file());
}

GREEN_TEST("unix: an abstract name, and what is none", "[unix]") {
    address const name = address::parse("@green-test-" + std::to_string(::getpid()));
    unix_listener l = unix_listener::bind(name);
    unix_stream const a = co_await unix_stream::connect(name);
    unix_stream const b = co_await l.accept();
    REQUIRE(b.local_address() == name);
    REQUIRE(failure([] {
                unix_listener::bind(address::parse("127.0.0.1:1"));
            }) == "listen unix 127.0.0.1:1: Address family not supported by protocol");
    std::string const error = co_await error_of_wait<std::system_error>(
        unix_stream::connect(address::parse("127.0.0.1:1"))
    );
    REQUIRE(error == "connect unix 127.0.0.1:1: Address family not supported by protocol");
    unix_listener taken = unix_listener::from_descriptor(l.release());
    REQUIRE(taken.local_address() == name);
    REQUIRE(failure([&] {
                unix_stream::from_descriptor(taken.release());
            }) == "take over unix: Invalid argument");
}

GREEN_TEST("unix: a connect waits while the line is full, and can be cancelled", "[unix]") {
    address const name = address::parse("@green-line-" + std::to_string(::getpid()));
    unix_listen_options narrow;
    narrow.backlog = 0;
    unix_listener l = unix_listener::bind(name, narrow);
    unix_stream const first = co_await unix_stream::connect(name);
    auto const in_time = co_await move_on_after(30ms, unix_stream::connect(name));
    REQUIRE_FALSE(in_time.has_value());
    auto later = spawn(unix_stream::connect(name));
    co_await settle();
    REQUIRE_FALSE(later.done());
    unix_stream const taken = co_await l.accept();
    unix_stream const second = co_await std::move(later);
    REQUIRE(second.remote_address() == name);
}

GREEN_TEST("unix: a pair, and an error that has no name to give", "[unix]") {
    auto [a, b] = unix_stream::pair();
    co_await a.write_all("to and ");
    co_await b.write_all("fro");
    std::string const to = co_await read_once(b);
    std::string const fro = co_await read_once(a);
    REQUIRE(to + fro == "to and fro");
    b.close();
    std::string const error = co_await error_of_wait<disconnected_error>(a.write_all("x"));
    REQUIRE(error == "write unix: Broken pipe");
    std::string const end = co_await read_once(a);
    REQUIRE(end.empty());
    unix_stream again = unix_stream::from_descriptor(a.release());
    REQUIRE(failure([&] { a.credentials(); }) == "credentials of unix: Bad file descriptor");
    REQUIRE_FALSE(again.local_address());
}

GREEN_TEST("unix: descriptors go with the bytes", "[unix]") {
    auto [a, b] = unix_stream::pair();
    auto p = pipe::open();
    std::array const sent{p.writer.native_handle(), p.reader.native_handle()};
    std::vector<owned_fd> got;
    std::string room(64, '\0');
    auto const reader = spawn(b.receive_descriptors(bytes(room), got));
    co_await settle();
    co_await a.send_descriptors(std::as_bytes(std::span("two", 3)), sent);
    std::size_t const size = co_await reader;
    REQUIRE(room.substr(0, size) == "two");
    REQUIRE(got.size() == 2);
    p.writer.close();
    p.reader.close();
    pipe_writer writer = pipe_writer::from_descriptor(std::move(got[0]));
    pipe_reader other = pipe_reader::from_descriptor(std::move(got[1]));
    co_await writer.write_all("through the copies");
    std::string const said = co_await read_once(other);
    REQUIRE(said == "through the copies");

    // What is read ahead or without a place for them loses them, and nothing else.
    std::array const once_more{writer.native_handle()};
    got.clear();
    co_await a.send_descriptors(std::as_bytes(std::span("line\nrest", 9)), once_more);
    std::string const line = co_await b.read_until("\n", 10);
    REQUIRE(line == "line\n");
    std::size_t const ahead = co_await b.receive_descriptors(bytes(room), got);
    REQUIRE(room.substr(0, ahead) == "rest");
    REQUIRE(got.empty());
    REQUIRE_THROWS_AS(a.send_descriptors({}, once_more), std::invalid_argument);
    std::vector<int> const too_many(254, 0);
    std::string const error = co_await error_of_wait<std::system_error>(
        a.send_descriptors(std::as_bytes(std::span("x", 1)), too_many)
    );
    REQUIRE(error == "write unix: Invalid argument");
}

GREEN_TEST("unix: descriptors that nobody waits for any more are for the next", "[unix]") {
    auto [a, b] = unix_stream::pair();
    std::vector<owned_fd> got;
    std::string room(64, '\0');
    auto unstarted = spawn(b.receive_descriptors(bytes(room), got));
    unstarted.cancel();
    co_await unstarted.join();
    auto waiting = spawn(b.receive_descriptors(bytes(room), got));
    co_await settle();
    waiting.cancel();
    std::array const sent{STDOUT_FILENO};
    auto unsent = spawn(a.send_descriptors(std::as_bytes(std::span("never", 5)), sent));
    unsent.cancel();
    co_await unsent.join();
    co_await a.send_descriptors(std::as_bytes(std::span("one", 3)), sent);
    co_await waiting.join();
    REQUIRE(waiting.cancelled());
    std::size_t const size = co_await b.receive_descriptors(bytes(room), got);
    REQUIRE(room.substr(0, size) == "one");
    REQUIRE(got.size() == 1);
}

GREEN_TEST("unix: descriptors for which there is no place are not lost silently", "[unix]") {
    auto [a, b] = unix_stream::pair();
    std::array const sent{STDOUT_FILENO, STDOUT_FILENO};
    co_await a.send_descriptors(std::as_bytes(std::span("two", 3)), sent);
    std::vector<owned_fd> got;
    std::string room(64, '\0');
    std::string error;
    {
        no_descriptors const none;
        error = co_await error_of_wait<std::system_error>(b.receive_descriptors(bytes(room), got));
    }
    REQUIRE(error == "read unix: Too many open files");
    REQUIRE(got.empty());
    std::string const kept = co_await read_once(b);
    REQUIRE(kept == "two");
}

GREEN_TEST("unix: an end of the run while a task accepts", "[unix]") {
    auto const l = std::make_shared<unix_listener>(
        unix_listener::bind(address::parse("@green-end-" + std::to_string(::getpid())))
    );
    auto const wait = [](std::shared_ptr<unix_listener> listener) -> task<> {
        co_await listener->accept();
    };
    spawn(wait, l);
    co_await yield();
}
