#pragma once

#include <green/core/config.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace green {

/// What can have a name for dumps and reports: locks, queues, channels. One pointer without one.
class named {
public:
    /// Copied; an empty one takes the name away.
    void set_name(std::string_view name) {
        name_ = name.empty() ? nullptr : std::make_unique<std::string>(name);
    }
    std::string_view name() const noexcept {
        return name_ ? std::string_view(*name_) : std::string_view();
    }

protected:
    named() = default;
    ~named() = default;

    /// Appends `queue.get` or, with a name, `queue.get of 'jobs'`.
    void describe(std::string& out, std::string_view what) const {
        out += what;
        if (name_) out.append(" of '").append(*name_).append("'");
    }

private:
    std::unique_ptr<const std::string> name_;
};

}  // namespace green
