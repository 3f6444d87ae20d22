#include "options.hpp"

#include "lookup.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <optional>

#include <getopt.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr std::string_view help = R"(usage: green-resolve [OPTION]... [NAME]...
       green-resolve [OPTION]... -f FILE
       green-resolve [OPTION]... < FILE

Looks up host names, any number of them, many at once.

Names
  NAME...                 one after the other
  -f, --file FILE         one name a line; may be repeated. Blank lines and what follows a '#' are
                          skipped.
  -                       the same from standard input, which is also read when nothing else names
                          any

What to ask
  -t, --type TYPE,...     records of these types, as the servers have them: @TYPES@.
                          PTR of an address is its name. Without this option: the addresses of both
                          families, also those of the hosts file, and with the search list.
  -s, --server IP[:PORT]  ask this server; may be repeated. Without it: those of this machine.

How fast, how long
  -c, --concurrency N     so many names at the same time. Without it: what keeps 100 questions at
                          each server; more than 1000 are never at one server.
  -T, --timeout SECONDS   for one name (default 10)
  -r, --retries N         how often a question is asked again (default 3)

What to print
  --json                  an object a line
  --csv                   a row for each record or failure, under a heading
  -u, --unordered         as they come, instead of in the order of the names
  -q, --quiet             no progress and no summary
  --plot FILE.svg         draw the latency over time and how it is distributed
  --explain               instead of an answer, how each name is looked up: hosts file, search list,
                          cache, servers, tries, times; one name after the other

  -h, --help              this text
  -V, --version

Results go to standard output; the summary, and on a terminal the progress, to standard error.
Ctrl-C ends it early: what is done is printed and summed up.

exit status: 0 every name has an answer, 1 some have none, 2 wrong usage or a file that cannot be
used, 130 interrupted, 141 nobody reads the output any more
)";

enum long_only { json_option = 1000, csv_option, plot_option, explain_option };

constexpr option long_options[] = {
    {"file", required_argument, nullptr, 'f'},
    {"type", required_argument, nullptr, 't'},
    {"server", required_argument, nullptr, 's'},
    {"concurrency", required_argument, nullptr, 'c'},
    {"timeout", required_argument, nullptr, 'T'},
    {"retries", required_argument, nullptr, 'r'},
    {"json", no_argument, nullptr, json_option},
    {"csv", no_argument, nullptr, csv_option},
    {"unordered", no_argument, nullptr, 'u'},
    {"quiet", no_argument, nullptr, 'q'},
    {"plot", required_argument, nullptr, plot_option},
    {"explain", no_argument, nullptr, explain_option},
    {"help", no_argument, nullptr, 'h'},
    {"version", no_argument, nullptr, 'V'},
    {nullptr, 0, nullptr, 0},
};

template <class Number>
Number number(std::string_view text, Number least, Number most, const std::string& what) {
    Number n{};
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    bool const whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || n < least || n > most) {
        throw usage_error(
            what + " '" + std::string(text) + "' is no number from " + std::to_string(least) +
            " to " + std::to_string(most)
        );
    }
    return n;
}

std::chrono::nanoseconds seconds(std::string_view text) {
    double n = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    bool const whole = error == std::errc() && end == text.data() + text.size();
    if (!whole || !(n >= 0.001 && n <= 86'400)) {
        throw usage_error(
            "time limit '" + std::string(text) + "' is no number of seconds from 0.001 to 86400"
        );
    }
    return std::chrono::nanoseconds(static_cast<std::int64_t>(n * 1e9));
}

green::address server(std::string_view text) {
    std::optional<green::address> const a = green::address::try_parse(text, 53);
    if (!a || a->family() == green::address_family::unix_path) {
        throw usage_error(
            "server '" + std::string(text) +
            "' is no address such as 192.0.2.1, 192.0.2.1:5353 "
            "or [2001:db8::1]:53"
        );
    }
    return *a;
}

void add_kinds(options& o, std::string_view list) {
    while (!list.empty()) {
        std::string_view const word = list.substr(0, list.find(','));
        list.remove_prefix(std::min(word.size() + 1, list.size()));
        if (word.empty()) continue;
        const record_kind* const kind = find_kind(word);
        if (!kind) {
            throw usage_error(
                "there is no type '" + std::string(word) + "'; there are " + kind_names()
            );
        }
        if (std::ranges::find(o.kinds, kind) == o.kinds.end()) o.kinds.push_back(kind);
    }
}

void take(options& o, int what, const char* value) {
    switch (what) {
    case 'f': o.files.emplace_back(value); break;
    case 't': add_kinds(o, value); break;
    case 's': o.servers.push_back(server(value)); break;
    case 'c':
        o.concurrency = number<std::size_t>(value, 1, 1'000'000, "number of names at once");
        break;
    case 'T': o.timeout = seconds(value); break;
    case 'r': o.retries = number<unsigned>(value, 0, 100, "number of retries"); break;
    case json_option: o.format = output_format::json; break;
    case csv_option: o.format = output_format::csv; break;
    case 'u': o.unordered = true; break;
    case 'q': o.quiet = true; break;
    case plot_option: o.plot = value; break;
    case explain_option: o.explain = true; break;
    case 'h': o.help = true; break;
    case 'V': o.version = true; break;
    default: throw usage_error("");  // getopt has said what is wrong
    }
}

void check_combination(const options& o) {
    bool const as_data = !o.kinds.empty() || o.format != output_format::text;
    if (o.explain && as_data) {
        throw usage_error("--explain is a text about addresses: not with --type, --json or --csv");
    }
    if (o.explain && !o.plot.empty()) throw usage_error("--explain does not go with --plot");
}

}  // namespace

options parse_options(std::span<char*> arguments) {
    options o;
    int const count = static_cast<int>(arguments.size());
    ::optind = 1;
    for (;;) {
        int const what =
            ::getopt_long(count, arguments.data(), "f:t:s:c:T:r:uqhV", long_options, nullptr);
        if (what == -1) break;
        take(o, what, ::optarg);
    }
    for (std::string_view const name : arguments.subspan(static_cast<std::size_t>(::optind))) {
        (name == "-" ? o.files : o.names).emplace_back(name);
    }
    check_combination(o);
    if (o.names.empty() && o.files.empty() && !o.help && !o.version) {
        if (::isatty(STDIN_FILENO) != 0) throw usage_error("no names");
        o.files.emplace_back("-");
    }
    return o;
}

std::string help_text() {
    constexpr std::string_view mark = "@TYPES@";
    std::string text(help);
    return text.replace(text.find(mark), mark.size(), kind_names());
}

}  // namespace tool
