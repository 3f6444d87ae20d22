#pragma once

#include "blocking_io.hpp"
#include "lookup.hpp"
#include "options.hpp"

#include <green/core/task.hpp>
#include <green/sync/event.hpp>
#include <green/sync/semaphore.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

/// The line or lines of one name, newline included.
std::string result_text(output_format format, const outcome& o);

/// What goes to standard output, in the order of the names or as it comes.
///
/// Bounded: a name has a place from before its lookup until its lines are written. So neither a slow
/// reader nor, where the order counts, a slow name makes this grow.
class output {
public:
    explicit output(const options& o, std::size_t names_at_once);

    /// A place for the next name; gives its number. Waits while all are taken.
    green::task<std::uint64_t> reserve();
    /// The lines of a name that has a place.
    void add(std::uint64_t number, std::string lines);
    /// No more will come.
    void finish();

    /// Writes what is added until it is finished. Throws std::system_error.
    green::task<> write(blocking_io& io);

    /// After an interrupt: what can still be written, in order, with what is missing left out. Blocks.
    void write_rest();

private:
    void advance();

    bool in_order_;
    green::semaphore places_;
    std::uint64_t reserved_ = 0;
    std::uint64_t first_ = 0;  // the number of the first one in waiting_
    std::deque<std::optional<std::string>> waiting_;  // for those before them
    std::string ready_;
    std::size_t names_ready_ = 0;
    std::string being_written_;
    std::string_view unwritten_;  // the rest of it
    bool finished_ = false;
    green::event something_ready_;
};

}  // namespace tool
