#include <green/dns/resolver.hpp>

#include <green/dns/detail/hosts_file.hpp>
#include <green/dns/detail/name.hpp>
#include <green/dns/detail/question.hpp>
#include <green/dns/detail/resolv_conf.hpp>
#include <green/loop/loop_core.hpp>
#include <green/tasks/timeout.hpp>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace green {
namespace {

using namespace detail;

/// How often a changed hosts file is looked for.
constexpr std::chrono::seconds hosts_interval{5};

/// The open resolvers of a loop, so that none outlives its libuv loop.
class open_resolvers final : public loop_service {
public:
    class member : public list_node<member> {
    public:
        virtual void loop_closes() noexcept = 0;

    protected:
        ~member() = default;
    };
    ~open_resolvers() override {
        while (member* m = members_.pop_front()) m->loop_closes();
    }
    void add(member& m) noexcept { members_.push_back(m); }
    void remove(member& m) noexcept { members_.remove(m); }

private:
    intrusive_list<member> members_;
};

std::chrono::milliseconds whole_milliseconds(std::chrono::nanoseconds d) noexcept {
    auto const ms = std::chrono::ceil<std::chrono::milliseconds>(d);
    return std::clamp(ms, std::chrono::milliseconds(1), std::chrono::milliseconds(60'000));
}

}  // namespace

class resolver::impl final : public question_owner, public open_resolvers::member {
public:
    explicit impl(resolver_config config) : config_(std::move(config)) {
        config_.tries = std::max(config_.tries, 1);
        config_.max_in_flight = std::clamp<std::size_t>(config_.max_in_flight, 1, 1000);
        for (address& server : config_.servers) {
            if (server.port() == 0) server = server.with_port(53);
        }
    }
    ~impl() { close(); }

    const resolver_config& config() const noexcept { return config_; }

    resolver_stats stats() const {
        resolver_stats s = stats_;
        if (engine_) {
            wire_stats const wire = engine_->stats();
            s.sent = wire.sent;
            s.timed_out = wire.timed_out;
            s.queued = wire.queued;
            s.in_flight = wire.in_flight;
        }
        return s;
    }

    /// Ends all lookups with closed_error; none can begin any more.
    void close() noexcept {
        if (closed_) return;
        closed_ = true;
        auto const open = std::move(questions_);
        questions_.clear();
        for (auto const& [key, q] : open) q->close();
        engine_.reset();
        if (loop_ && linked()) loop_->service<open_resolvers>().remove(*this);
    }

    static task<std::vector<address>> resolve(
        std::shared_ptr<impl> self, std::string host, std::uint16_t port, lookup_options options
    ) {
        self->begin();
        checked_name const name = check_name(host);
        std::vector<address> found;
        bool const local = self->answer_locally(name, host, options.family, found);
        if (!local) found = co_await self->ask_candidates(name, host, options.family);
        for (address& a : found) a = a.with_port(port);
        co_return found;
    }

private:
    void begin() {
        if (closed_) throw closed_error("resolve: the resolver is closed");
        loop_core& core = loop_core::require("resolver::resolve");
        if (!loop_) {
            loop_ = &core;
            core.service<open_resolvers>().add(*this);
        } else if (loop_ != &core) {
            throw std::logic_error(
                "green: a resolver is used on another loop than its first lookup's"
            );
        }
        ++stats_.lookups;
    }

    /// Literals, localhost, the hosts file; throws for what cannot be a name.
    bool answer_locally(
        const checked_name& name, const std::string& host, int family, std::vector<address>& found
    ) {
        auto const wanted = [family](const address& a) {
            return family == 0 || (a.family() == address_family::ipv4) == (family == 4);
        };
        switch (name.kind) {
        case name_kind::bad: throw dns_error(dns_errc::bad_name, host, {}, name.problem);
        case name_kind::never:
            throw dns_error(dns_errc::not_found, host, {}, "never asked for in the network");
        case name_kind::literal:
            if (wanted(*name.literal)) found.push_back(*name.literal);
            break;
        case name_kind::localhost:
            for (const char* ip : {"127.0.0.1", "::1"}) {
                address const a = address::parse(ip);
                if (wanted(a)) found.push_back(a);
            }
            break;
        case name_kind::host:
            if (config_.hosts_path.empty() || !hosts().contains(name.text)) return false;
            found = hosts_.lookup(name.text, family);
            break;
        }
        if (found.empty()) {
            throw dns_error(dns_errc::no_data, host, {}, "it has no address of this family");
        }
        ++stats_.from_hosts;
        return true;
    }

    const hosts_file& hosts() {
        clock::time_point const now = loop_->now();
        if (!hosts_loaded_ || now - hosts_checked_ >= hosts_interval) {
            hosts_checked_ = now;
            const char* const path = config_.hosts_path.c_str();
            if (!hosts_loaded_ || file_stamp::of(path) != hosts_.stamp())
                hosts_ = hosts_file::load(path);
            hosts_loaded_ = true;
        }
        return hosts_;
    }

    /// The name as the search list completes it, one candidate after the other. The next one is for a
    /// name that does not exist or has no address; a failure of the servers ends the search.
    task<std::vector<address>> ask_candidates(
        const checked_name& name, const std::string& host, int family
    ) {
        if (config_.servers.empty()) {
            throw dns_error(dns_errc::no_servers, host, {}, "none is configured");
        }
        std::vector<std::string> const candidates = search_candidates(
            name, config_.search, static_cast<unsigned>(std::max(config_.ndots, 0))
        );
        std::optional<dns_error> first;
        for (const std::string& candidate : candidates) {
            std::vector<address> found;
            std::optional<dns_error> error;
            co_await ask_both(candidate, host, family, found, error);
            if (!error) co_return found;
            bool const try_next = error->code() == dns_errc::not_found ||
                error->code() == dns_errc::no_data;
            if (!try_next) throw dns_error(*error);
            // "Has no data" says more than "does not exist".
            if (!first || error->code() == dns_errc::no_data) first = std::move(error);
        }
        if (!first)
            first.emplace(dns_errc::bad_name, host, "", "too long with every search domain");
        throw dns_error(*first);
    }

    /// Both families at once: what one of them finds is enough.
    task<> ask_both(
        const std::string& name,
        const std::string& host,
        int family,
        std::vector<address>& found,
        std::optional<dns_error>& error
    ) {
        std::vector<std::shared_ptr<question>> asked;
        if (family != 6) asked.push_back(ask(name, record_type::a));
        if (family != 4) asked.push_back(ask(name, record_type::aaaa));
        for (auto const& q : asked) {
            question_wait wait(q);
            co_await wait;
            if (q->closed()) throw closed_error("resolve " + host + ": the resolver was closed");
            if (!q->error()) {
                found.insert(found.end(), q->reply().addresses.begin(), q->reply().addresses.end());
            } else if (!error || worse(*q->error(), error->code())) {
                error = error_of(*q, host);
            }
        }
        if (!found.empty()) error.reset();
    }

    /// Of two families' errors the one that says that the servers failed: "does not exist" is only
    /// true if both say so.
    static bool worse(dns_errc a, dns_errc b) noexcept {
        auto const rank = [](dns_errc c) {
            return c == dns_errc::not_found ? 0 : c == dns_errc::no_data ? 1 : 2;
        };
        return rank(a) > rank(b);
    }

    dns_error error_of(const question& q, const std::string& host) const {
        dns_errc const code = *q.error();
        bool const answered = code != dns_errc::timeout && code != dns_errc::no_servers;
        if (answered) return dns_error(code, host, config_.servers[q.last_server()].to_string());
        std::string servers;
        for (const address& s : config_.servers) {
            if (!servers.empty()) servers += ", ";
            servers += s.to_string();
        }
        std::string_view const reason = code == dns_errc::no_servers ? "none can be reached" : "";
        return dns_error(code, host, servers, reason, q.tries_made());
    }

    /// The question in flight for this, or a new one.
    std::shared_ptr<question> ask(const std::string& name, record_type type) {
        if (closed_) throw closed_error("resolve " + name + ": the resolver is closed");
        auto& slot = questions_[key(name, type)];
        if (slot) {
            ++stats_.shared;
            return slot;
        }
        slot = std::make_shared<question>(*this, name, type);
        std::shared_ptr<question> const q = slot;
        q->ask();  // may be done, and retired, at once
        return q;
    }

    static std::string key(const std::string& name, record_type type) {
        return (type == record_type::a ? '4' : '6') + name;
    }

    // question_owner
    wire_engine& engine() override {
        if (!engine_) {
            wire_options options;
            options.timeout = whole_milliseconds(config_.timeout);
            options.window = static_cast<unsigned>(config_.max_in_flight);
            engine_ = std::make_unique<wire_engine>(loop_->native(), config_.servers, options);
        }
        return *engine_;
    }
    std::size_t first_server() noexcept override {
        return config_.rotate ? next_server_++ % config_.servers.size() : 0;
    }
    int tries() const noexcept override { return config_.tries; }
    std::chrono::nanoseconds try_timeout() const noexcept override { return config_.timeout; }
    void retire(question& q) noexcept override { questions_.erase(key(q.host(), q.kind())); }

    // open_resolvers::member
    void loop_closes() noexcept override { close(); }

    resolver_config config_;
    loop_core* loop_ = nullptr;
    std::unique_ptr<wire_engine> engine_;
    std::unordered_map<std::string, std::shared_ptr<question>> questions_;
    hosts_file hosts_;
    clock::time_point hosts_checked_{};
    bool hosts_loaded_ = false;
    bool closed_ = false;
    std::size_t next_server_ = 0;
    resolver_stats stats_;
};

resolver_config resolver_config::system() {
    resolv_conf const file = load_resolv_conf();
    resolver_config config;
    config.servers = file.nameservers;
    config.search = file.search;
    config.ndots = static_cast<int>(file.ndots);
    config.rotate = file.rotate;
    if (file.timeout) config.timeout = *file.timeout;
    if (file.attempts) config.tries = static_cast<int>(*file.attempts * file.nameservers.size());
    config.hosts_path = "/etc/hosts";
    return config;
}

resolver::resolver(resolver_config config) : impl_(std::make_shared<impl>(std::move(config))) {}
resolver::~resolver() {
    if (impl_) impl_->close();
}
resolver::resolver(resolver&&) noexcept = default;
resolver& resolver::operator=(resolver&& other) noexcept {
    if (impl_ && impl_ != other.impl_) impl_->close();
    impl_ = std::move(other.impl_);
    return *this;
}

resolver_stats resolver::stats() const { return impl_->stats(); }
const resolver_config& resolver::config() const noexcept { return impl_->config(); }

namespace {

task<std::vector<address>> within(
    task<std::vector<address>> lookup, std::string host, std::chrono::nanoseconds limit
) {
    std::optional<std::vector<address>> found = co_await move_on_after(limit, std::move(lookup));
    if (!found) throw dns_error(dns_errc::timeout, host, {}, "the lookup's own limit");
    co_return std::move(*found);
}

class default_resolver_service final : public loop_service {
public:
    resolver object{resolver_config::system()};
};

}  // namespace

task<std::vector<address>> resolver::resolve(
    std::string host, std::uint16_t port, lookup_options options
) {
    if (options.timeout == forever) return impl::resolve(impl_, std::move(host), port, options);
    auto lookup = impl::resolve(impl_, host, port, options);
    return within(std::move(lookup), std::move(host), options.timeout);
}

resolver& default_resolver() {
    return loop_core::require("default_resolver").service<default_resolver_service>().object;
}

void set_default_resolver(resolver r) { default_resolver() = std::move(r); }

task<std::vector<address>> getaddrinfo(
    std::string host, std::uint16_t port, lookup_options options
) {
    return default_resolver().resolve(std::move(host), port, options);
}

task<std::string> gethostbyname(std::string host) {
    lookup_options options;
    options.family = 4;
    std::vector<address> const found = co_await getaddrinfo(std::move(host), 0, options);
    co_return found.front().ip();
}

}  // namespace green
