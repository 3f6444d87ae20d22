#include <green/net/owned_fd.hpp>

#include <unistd.h>

namespace green {

void owned_fd::close() noexcept {
    if (fd_ >= 0) ::close(release());
}

}  // namespace green
