// Callbacks, and what becomes of them: a protocol object with on_data and on_close, driven by green tasks.
//
// A tutorial on gevent describes the two designs in words. In the callback design (asyncio.Protocol, Twisted,
// libuv) the library calls an object when data has come or the connection is closed. Every call returns at once,
// so whatever must be known at the next one is a member: here the piece of a line that has not ended yet. Such
// objects can be kept: `drive` calls one from a channel, and `completion` turns a callback into something to
// co_await. Written as a green task, the same protocol is a loop, and its state is a local variable:
// `echo_task`.
//
// The two sides talk over channels, in pieces of at most five bytes, as a socket might.

#include <green/green.hpp>

#include <cstddef>
#include <cstdio>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace {

/// One direction of a connection.
using wire = green::channel<std::string>;

/// Sends `text` in small pieces. For callbacks, which cannot wait: the wire has to have room.
void write(wire& out, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); i += 5) out.try_send(std::string(text.substr(i, 5)));
}

/// The callback design, server: sends every line back.
class echo_protocol {
public:
    explicit echo_protocol(wire& out) : out_(out) {}

    void on_data(const std::string& piece) {
        line_ += piece;
        for (auto end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
            std::printf("server: %s\n", line_.substr(0, end).c_str());
            write(out_, line_.substr(0, end + 1));
            line_.erase(0, end + 1);
        }
    }
    void on_close() {
        std::printf("server: closed\n");
        out_.close();
    }

private:
    wire& out_;
    std::string line_;
};

/// The callback design, client: calls back with each answer.
class client_protocol {
public:
    using callback = std::function<void(std::string)>;

    explicit client_protocol(wire& out) : out_(out) {}

    void ask(const std::string& question, callback on_answer) {
        waiting_.push_back(std::move(on_answer));
        write(out_, question + "\n");
    }
    void hang_up() { out_.close(); }

    void on_data(const std::string& piece) {
        line_ += piece;
        for (auto end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
            waiting_.front()(line_.substr(0, end));
            waiting_.pop_front();
            line_.erase(0, end + 1);
        }
    }
    void on_close() {
        std::printf("client: closed\n");
        waiting_.clear();  // who still waits gets closed_error
    }

private:
    wire& out_;
    std::deque<callback> waiting_;
    std::string line_;
};

/// What a library of callbacks has inside: a loop that calls.
template <class Protocol>
green::task<> drive(Protocol& protocol, wire& in) {
    while (auto piece = co_await in.receive()) protocol.on_data(*piece);
    protocol.on_close();
}

/// The callback as something to co_await.
green::task<std::string> ask(client_protocol& client, std::string question) {
    co_return co_await green::completion<std::string>([&](const auto& resolve) {
        client.ask(question, [resolve](std::string answer) { resolve(std::move(answer)); });
    });
}

/// echo_protocol as a task.
green::task<> echo_task(wire& in, wire& out) {
    std::string line;
    while (auto piece = co_await in.receive()) {
        line += *piece;
        for (auto end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
            std::printf("server: %s\n", line.substr(0, end).c_str());
            co_await out.send(line.substr(0, end + 1));  // may wait, so the wire needs no room
            line.erase(0, end + 1);
        }
    }
    std::printf("server: closed\n");
    out.close();
}

green::task<> talk(client_protocol& client) {
    for (const char* question : {"hello", "do you hear me?"}) {
        std::string const answer = co_await ask(client, question);
        std::printf("client: %s\n", answer.c_str());
    }
    client.hang_up();
}

green::task<> amain() {
    for (bool const as_task : {false, true}) {
        std::printf(as_task ? "-- the server as a task\n" : "-- the server as callbacks\n");
        wire to_server(16);
        wire to_client(16);
        echo_protocol server(to_client);
        client_protocol client(to_server);
        co_await green::with_group([&](green::task_group& g) -> green::task<> {
            g.spawn(as_task ? echo_task(to_server, to_client) : drive(server, to_server));
            g.spawn(drive(client, to_client));
            co_await talk(client);
        });
    }
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(amain, argc, argv); }
