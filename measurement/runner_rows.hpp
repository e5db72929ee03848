#pragma once

#include <memory>

#include "measurement/runner.hpp"

namespace hwnas::measurement {

// One a row of runners(); each in the source of its name.
std::unique_ptr<Runner> make_host(const Config& options);
std::unique_ptr<Runner> make_command(const Config& options);
std::unique_ptr<Runner> make_agent(const Config& options);
std::unique_ptr<Runner> make_qemu_cortex_m(const Config& options);

}  // namespace hwnas::measurement
