// How fast a supernet trains by single paths, over the same supernet written plainly in Python
// (bench/supernet_throughput.py, Debian's python3-torch): the same networks of
// configs/spaces/mobile_mcu.yaml one after the other, the same batch and threads, both sides
// interleaved so that a noisy machine disturbs them alike.
//
//   build/release/bench/supernet_throughput [--layout default|channels_last]
//
// The last line is the ratio of the times of a step, medians over rounds.
#include <fmt/format.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "core/scratch_folder.hpp"
#include "estimators/rank_statistics.hpp"
#include "spaces/search_space.hpp"
#include "train/optimizer_torch.hpp"
#include "train/subnet_torch.hpp"

namespace {

using namespace hwnas;
using Clock = std::chrono::steady_clock;
using torch::Tensor;

constexpr int kWarmUp = 5;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::vector<ir::Network> draw(int count) {
  const auto space =
      spaces::make_space(Config::load(HWNAS_SOURCE_DIR "/configs/spaces/mobile_mcu.yaml"),
                         {{.channels = 1, .height = 28, .width = 28}, 10});
  Rng rng(1);
  std::vector<ir::Network> networks;
  for (int i = 0; i < count; ++i) networks.push_back(space->decode(spaces::sample(*space, rng)));
  return networks;
}

class OurSupernet {
 public:
  OurSupernet(const std::vector<ir::Network>& networks, int batch)
      : images_(torch::rand({batch, 1, 28, 28}).contiguous(at::MemoryFormat::ChannelsLast)),
        labels_(torch::randint(0, 10, {batch})) {
    for (const ir::Network& network : networks) shared_.cover(network);
    values_ = 0.1 * torch::randn({shared_.size()});
    gradients_ = torch::zeros_like(values_);
    optimizer_ = std::make_unique<train::FlatOptimizer>(
        values_, gradients_, torch::tensor(shared_.decay_mask()), train::TrainOptions{});
  }

  /// What a step of a Supernet does once the network is drawn and the batch read.
  void step(const ir::Network& network) {
    train::Subnet subnet(network, shared_, torch::kCPU);
    subnet.take_from(values_);
    subnet.module().train();
    torch::cross_entropy_loss(subnet.module().forward(images_), labels_).backward();
    subnet.add_gradients_to(gradients_, values_);
    optimizer_->step(0.01);
  }

 private:
  const Tensor images_;
  const Tensor labels_;
  nn::SharedParameters shared_;
  Tensor values_;
  Tensor gradients_;
  std::unique_ptr<train::FlatOptimizer> optimizer_;
};

double our_steps(const std::vector<ir::Network>& networks, int batch) {
  OurSupernet supernet(networks, batch);
  for (int i = 0; i < kWarmUp; ++i) supernet.step(networks[static_cast<std::size_t>(i)]);
  const auto start = Clock::now();
  for (const ir::Network& network : networks) supernet.step(network);
  return milliseconds_since(start);
}

double python_steps(const std::filesystem::path& file, int threads, int batch,
                    const std::string& layout) {
  const std::string command =
      fmt::format("/usr/bin/python3 {}/bench/supernet_throughput.py {} {} {} {}", HWNAS_SOURCE_DIR,
                  file.string(), threads, batch, layout);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  long parameters = 0;
  double milliseconds = 0;
  if (!pipe || std::fscanf(pipe.get(), "%ld %lf", &parameters, &milliseconds) != 2) {
    throw error(ErrorCode::kFailedPrecondition, "'{}' failed: apt-get install python3-torch",
                command);
  }
  return milliseconds;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Training throughput of a supernet");
  int threads = 2;
  int batch = 128;
  int rounds = 5;
  int count = 40;
  std::string layout = "default";
  app.add_option("--threads", threads, "intra-op threads")->capture_default_str();
  app.add_option("--batch", batch)->capture_default_str();
  app.add_option("--rounds", rounds)->capture_default_str();
  app.add_option("--networks", count)->check(CLI::Range(kWarmUp, 100'000))->capture_default_str();
  app.add_option("--layout", layout, "of the Python loop")
      ->check(CLI::IsMember({"default", "channels_last"}))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  train::set_worker_threads(1, threads);
  const std::vector<ir::Network> networks = draw(count);
  const ScratchFolder scratch;
  const std::filesystem::path file = scratch.path() / "networks.json";
  nlohmann::json list = nlohmann::json::array();
  for (const ir::Network& network : networks) list.push_back(ir::to_json(network));
  std::ofstream(file) << list;
  std::vector<double> ours, python;
  for (int round = 0; round < rounds; ++round) {
    python.push_back(python_steps(file, threads, batch, layout));
    ours.push_back(our_steps(networks, batch));
  }
  const double steps = count;
  fmt::print("hwnas {:.2f} ms a step, {:.0f} images/s; python3-torch ({}) {:.2f} ms a step\n",
             estimators::median(ours) / steps, 1e3 * batch * steps / estimators::median(ours),
             layout, estimators::median(python) / steps);
  fmt::print("{:.2f}\n", estimators::median(python) / estimators::median(ours));
} catch (const hwnas::Error& error) {
  fmt::print(stderr, "supernet_throughput: {}\n", error.what());
  return 1;
}
