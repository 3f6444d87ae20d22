#pragma once

// Internal: what a worker process prints by the standard library.

namespace green::detail {

/// What has been printed goes out, by whatever stream.
void flush_output() noexcept;
/// What has been printed and not gone out is forgotten.
void drop_output() noexcept;

}  // namespace green::detail
