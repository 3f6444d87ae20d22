#include <green/dns/detail/hosts_file.hpp>

#include <green/dns/detail/name.hpp>

#include <algorithm>
#include <unordered_set>

namespace green::detail {

namespace {

std::size_t hash_of(std::string_view name) { return std::hash<std::string_view>{}(name); }

}  // namespace

hosts_file::hosts_file(std::string text) : text_(std::move(text)) {
    if (text_.size() > longest_file) text_.resize(longest_file);
    for (char& c : text_) c = lower_case(c);
    for (std::size_t begin = 0; begin < text_.size();) {
        const auto end = std::min(text_.find('\n', begin), text_.size());
        read_line(begin, end);
        begin = end + 1;
    }
}

hosts_file hosts_file::load(const char* path) {
    file_stamp stamp;
    hosts_file file(read_small_file(path, stamp));
    file.stamp_ = stamp;
    return file;
}

void hosts_file::read_line(std::size_t begin, std::size_t end) {
    const std::string_view all = text_;
    end = begin + std::min(all.substr(begin, end - begin).find('#'), end - begin);

    std::size_t at = begin;
    bool have_ip = false;
    while (at < end) {
        if (is_blank(all[at])) {
            ++at;
            continue;
        }
        std::size_t stop = at;
        while (stop < end && !is_blank(all[stop])) ++stop;
        if (have_ip) {
            add(at, stop);
        } else {
            // A filter gives one address for all its names; reading it once is half the time.
            const auto word = all.substr(at, stop - at);
            if (addresses_.empty() || word != all.substr(last_ip_at_, last_ip_size_)) {
                // A port or a path is no address of a host.
                const bool plain = std::count(word.begin(), word.end(), ':') != 1 &&
                    word.front() != '[' && word.front() != '/' && word.front() != '@';
                const auto ip = plain ? address::try_parse(word) : std::nullopt;
                if (!ip) return;
                addresses_.push_back(*ip);
                last_ip_at_ = at;
                last_ip_size_ = word.size();
            }
            have_ip = true;
        }
        at = stop;
    }
}

void hosts_file::add(std::size_t begin, std::size_t end) {
    if (end - begin > 1 && text_[end - 1] == '.') --end;
    const auto name = std::string_view(text_).substr(begin, end - begin);
    if (name.size() > longest_name) return;
    const auto prints = [](char c) { return c > ' ' && c < 0x7f; };
    if (!std::all_of(name.begin(), name.end(), prints)) return;

    const auto ip = static_cast<std::uint32_t>(addresses_.size() - 1);
    const auto index = static_cast<std::uint32_t>(entries_.size());
    if ((names_ + 1) * 2 > slots_.size()) grow();
    std::uint32_t* const slot = slot_of(name);
    if (*slot == none) {
        *slot = index;
        ++names_;
    } else {
        entry& first = entries_[*slot];
        if (entries_[first.last].ip == ip) return;
        entries_[first.last].next = index;
        first.last = index;
    }
    entries_.push_back(
        {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(name.size()), ip, none, index
        }
    );
    if (index == 0 || entries_[index - 1].ip != ip) by_address_.try_emplace(addresses_[ip], index);
}

void hosts_file::grow() {
    const auto old = std::move(slots_);
    slots_.assign(std::max<std::size_t>(64, old.size() * 4), none);
    for (const auto index : old) {
        if (index != none) *slot_of(name_of(entries_[index])) = index;
    }
}

std::uint32_t* hosts_file::slot_of(std::string_view name) {
    const auto mask = slots_.size() - 1;
    for (auto i = hash_of(name) & mask;; i = (i + 1) & mask) {
        if (slots_[i] == none || name_of(entries_[slots_[i]]) == name) return &slots_[i];
    }
}

const hosts_file::entry* hosts_file::find(std::string_view name) const {
    if (slots_.empty() || name.empty() || name.size() > longest_name + 1) return nullptr;
    if (name.size() > 1 && name.back() == '.') name.remove_suffix(1);
    const auto key = lower_case(name);
    const auto mask = slots_.size() - 1;
    for (auto i = hash_of(key) & mask; slots_[i] != none; i = (i + 1) & mask) {
        const entry& e = entries_[slots_[i]];
        if (name_of(e) == key) return &e;
    }
    return nullptr;
}

std::string_view hosts_file::name_of(const entry& e) const {
    return std::string_view(text_).substr(e.name_at, e.name_size);
}

std::vector<address> hosts_file::lookup(std::string_view name, int family) const {
    std::vector<address> out;
    std::unordered_set<address> seen;
    const entry* e = find(name);
    while (e) {
        const address& ip = addresses_[e->ip];
        const bool v4 = ip.family() == address_family::ipv4;
        if ((family == 0 || (family == 4) == v4) && seen.insert(ip).second) out.push_back(ip);
        e = e->next == none ? nullptr : &entries_[e->next];
    }
    return out;
}

bool hosts_file::contains(std::string_view name) const { return find(name) != nullptr; }

std::optional<std::string_view> hosts_file::reverse(const address& ip) const {
    const auto found = by_address_.find(ip.with_port(0));
    if (found == by_address_.end()) return std::nullopt;
    return name_of(entries_[found->second]);
}

}  // namespace green::detail
