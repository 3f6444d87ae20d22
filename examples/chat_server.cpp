// A chat server: what one says, all others hear.
//
//     chat_server          with three guests of its own
//     chat_server 7000     alone, until Ctrl-C: `nc localhost 7000` is a guest
//
// A guest is two tasks. One reads lines and puts them into everybody's channel; the other writes what comes out of the
// guest's own channel. The channel is what stands between a fast talker and a slow listener: who lets it run full misses
// what is said meanwhile, and nobody else has to wait.

#include <green/green.hpp>

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <utility>

namespace {

constexpr std::size_t longest_line = 1000;
constexpr std::size_t lines_in_waiting = 100;

class room {
public:
    using inbox = green::channel<std::string>;

    /// The box must stay until the guest has left.
    void enter(inbox& box, const std::string& name) {
        tell_all("* " + name + " has come");
        guests_.emplace(&box, name);
    }
    void leave(inbox& box) {
        std::string const name = guests_.extract(&box).mapped();
        tell_all("* " + name + " has gone");
    }
    void say(inbox& box, const std::string& text) {
        tell_all(guests_.at(&box) + ": " + text, &box);
    }

private:
    void tell_all(const std::string& line, const inbox* but = nullptr) {
        for (auto& [box, name] : guests_) {
            if (box != but) box->try_send(line + "\n");  // full: this guest misses it
        }
    }

    std::map<inbox*, std::string> guests_;
};

/// A line without its end; empty at the end of the stream.
green::task<std::string> read_line(green::tcp_stream& s) {
    std::string line;
    try {
        line = co_await s.read_until("\n", longest_line);
    } catch (const green::end_of_stream_error&) {
        co_return line;
    }
    line.pop_back();
    co_return line;
}

green::task<> write_all_of(room::inbox& box, green::tcp_stream& peer) {
    while (auto line = co_await box.receive()) co_await peer.write_all(*line);
}

green::task<> be_host(room& r, room::inbox& box, green::tcp_stream& peer) {
    co_await green::with_group([&](green::task_group& g) -> green::task<> {
        g.spawn(write_all_of(box, peer));
        for (;;) {
            std::string const line = co_await read_line(peer);
            if (line.empty()) break;
            r.say(box, line);
        }
        g.cancel("the guest leaves");
    });
}

/// A guest who is cut off leaves, too.
green::task<> welcome(room& r, green::tcp_stream peer) {
    co_await peer.write_all("your name?\n");
    std::string const name = co_await read_line(peer);
    room::inbox box(lines_in_waiting);
    r.enter(box, name);
    auto const stay = [&] { return be_host(r, box, peer); };
    auto const say_goodbye = [&]() -> green::task<> {
        r.leave(box);
        co_return;
    };
    co_await green::finally_(stay, say_goodbye);
}

green::task<> serve_chat(green::tcp_listener& listener) {
    room r;
    auto const handler = [&](green::tcp_stream peer) { return welcome(r, std::move(peer)); };
    co_await green::serve(listener, handler);
}

// --- the demonstration

/// Somebody at a keyboard.
class guest {
public:
    static green::task<guest> come(green::address server, std::string name) {
        green::tcp_stream s = co_await green::tcp_stream::connect(std::move(server));
        guest g{std::move(s), name};
        co_await g.hears();
        co_await g.says(name);
        co_return g;
    }
    green::task<> says(std::string text) { co_await stream.write_all(text + "\n"); }
    green::task<> hears() {
        std::string const line = co_await read_line(stream);
        std::printf("%-6s hears  %s\n", name.c_str(), line.c_str());
    }

    green::tcp_stream stream;
    std::string name;
};

green::task<> demonstration() {
    green::tcp_listener listener = green::tcp_listener::bind("127.0.0.1", 0);
    auto serving = green::spawn(serve_chat(listener));
    guest anna = co_await guest::come(listener.local_address(), "Anna");
    guest boris = co_await guest::come(listener.local_address(), "Boris");
    co_await anna.hears();
    co_await anna.says("hello Boris");
    co_await boris.hears();
    guest clara = co_await guest::come(listener.local_address(), "Clara");
    co_await anna.hears();
    co_await boris.hears();
    co_await clara.says("am I late?");
    co_await anna.hears();
    co_await boris.hears();
    boris.stream.reset();  // his battery is empty
    co_await anna.hears();
    co_await clara.hears();
    serving.cancel();
}

green::task<> chat_server(std::uint16_t port) {
    green::tcp_listener listener = green::tcp_listener::bind("::", port);
    std::printf("listening on %s\n", listener.local_address().to_string().c_str());
    co_await serve_chat(listener);
}

green::task<> amain(int argc, char** argv) {
    if (argc > 1) return chat_server(static_cast<std::uint16_t>(std::stoi(argv[1])));
    return demonstration();
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(amain, argc, argv); }
