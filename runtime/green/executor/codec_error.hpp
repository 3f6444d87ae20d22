#pragma once

#include <green/executor/executor_error.hpp>

namespace green {

/// A value could not be sent to another process, or what came from there is no such value: cut
/// short, with bytes left over, or with content that the type does not allow. `what()` names what
/// was being read and where: `decode a std::string at byte 17 of 40: a length of 90, 22 bytes
/// left`.
class codec_error : public executor_error {
public:
    using executor_error::executor_error;
};

}  // namespace green
