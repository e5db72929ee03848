// How fast one candidate trains, beside a plain LibTorch loop, Debian's python3-torch and the
// ceilings of the machine, all in one run and interleaved, so that a noisy machine disturbs them
// alike.
//
//   build/release/bench/train_throughput                          the table
//   build/release/bench/train_throughput --figure NAME            its last line is the figure:
//     python_default, python_channels_last   our throughput over python3-torch's in that layout
//     concurrency                            two candidates at once over one, one thread each
//
// Expected: a table of ms a step and images/s; more than 2, 1.2 and 1.8.

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "bench/reference_candidate.hpp"
#include "core/error.hpp"
#include "estimators/rank_statistics.hpp"
#include "ir/initial_weights.hpp"
#include "nn/module_torch.hpp"
#include "train/optimizer_torch.hpp"

namespace {

using namespace hwnas;
using Clock = std::chrono::steady_clock;
using torch::Tensor;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Median of step() in ms over `seconds`, after a warm-up.
double time_steps(double seconds, const std::function<void()>& step) {
  for (int i = 0; i < 10; ++i) step();
  std::vector<double> times;
  const auto start = Clock::now();
  while (milliseconds_since(start) < 1e3 * seconds) {
    const auto begin = Clock::now();
    step();
    times.push_back(milliseconds_since(begin));
  }
  return estimators::median(times);
}

struct Data {
  Tensor images;
  Tensor labels;
};
Data random_data(int batch) {
  return {torch::rand({batch, 1, 28, 28}).contiguous(at::MemoryFormat::ChannelsLast),
          torch::randint(0, 10, {batch})};
}

/// A training of the reference candidate, ready to step.
class OurLoop {
 public:
  explicit OurLoop(int batch)
      : data_(random_data(batch)),
        module_(bench::reference_candidate(), torch::kCPU),
        optimizer_((module_.load(ir::initial_weights(bench::reference_candidate(), 1)), module_),
                   train::TrainOptions{}) {
    module_.train();
  }
  void step() {
    torch::cross_entropy_loss(module_.forward(data_.images), data_.labels).backward();
    optimizer_.step(0.01);
  }

 private:
  Data data_;
  nn::NetworkModule module_;
  train::FlatOptimizer optimizer_;
};

/// The same model as LibTorch's tutorial would write it: modules in a Sequential,
/// torch::optim::SGD.
struct PlainResidual : torch::nn::Module {
  PlainResidual(torch::nn::Sequential layers, bool residual)
      : body(register_module("body", std::move(layers))), is_residual(residual) {}
  Tensor forward(const Tensor& x) { return is_residual ? x + body->forward(x) : body->forward(x); }
  torch::nn::Sequential body;
  bool is_residual;
};

void add_conv_block(torch::nn::Sequential& layers, int in, int out, int kernel, int stride,
                    int groups, bool activation) {
  layers->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel)
                                          .stride(stride)
                                          .padding(kernel / 2)
                                          .groups(groups)
                                          .bias(false)));
  layers->push_back(torch::nn::BatchNorm2d(out));
  if (activation) layers->push_back(torch::nn::ReLU6(torch::nn::ReLU6Options(true)));
}

torch::nn::Sequential plain_candidate() {
  torch::nn::Sequential model;
  add_conv_block(model, 1, 16, 3, 2, 1, true);
  const auto inverted_residual = [&](int in, int out, int stride) {
    torch::nn::Sequential body;
    add_conv_block(body, in, 3 * in, 1, 1, 1, true);
    add_conv_block(body, 3 * in, 3 * in, 3, stride, 3 * in, true);
    add_conv_block(body, 3 * in, out, 1, 1, 1, false);
    model->push_back(std::make_shared<PlainResidual>(body, stride == 1 && in == out));
  };
  inverted_residual(16, 16, 1);
  inverted_residual(16, 24, 2);
  inverted_residual(24, 24, 1);
  inverted_residual(24, 40, 2);
  inverted_residual(40, 40, 1);
  add_conv_block(model, 40, 96, 1, 1, 1, true);
  model->push_back(torch::nn::AdaptiveAvgPool2d(1));
  model->push_back(torch::nn::Flatten());
  model->push_back(torch::nn::Linear(96, 10));
  return model;
}

double plain_loop(int batch, double seconds) {
  const Data data = random_data(batch);
  torch::nn::Sequential model = plain_candidate();
  for (Tensor& parameter : model->parameters()) {
    if (parameter.dim() == 4) {
      const torch::NoGradGuard no_grad;
      parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
  torch::optim::SGD optimizer(
      model->parameters(),
      torch::optim::SGDOptions(0.01).momentum(0.9).nesterov(true).weight_decay(5e-4));
  return time_steps(seconds, [&] {
    optimizer.zero_grad();
    torch::cross_entropy_loss(model->forward(data.images), data.labels).backward();
    optimizer.step();
  });
}

double python_loop(int threads, int batch, const std::string& layout, double seconds) {
  const std::string command =
      fmt::format("/usr/bin/python3 {}/bench/train_throughput.py {} {} {} {}", HWNAS_SOURCE_DIR,
                  threads, batch, layout, seconds);
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  long parameters = 0;
  double step_ms = 0;
  if (!pipe || std::fscanf(pipe.get(), "%ld %lf", &parameters, &step_ms) != 2) {
    throw error(ErrorCode::kFailedPrecondition, "'{}' failed: apt-get install python3-torch",
                command);
  }
  if (parameters != ir::parameters(bench::reference_candidate())) {
    throw error(ErrorCode::kInternal, "the Python model has {} parameters: not the same model",
                parameters);
  }
  return step_ms;
}

/// Two candidates on two threads against one: throughput ratio.
double concurrency(int batch, double seconds) {
  const auto alone = [&] {
    at::set_num_threads(1);
    OurLoop loop(batch);
    return time_steps(seconds, [&] { loop.step(); });
  };
  const double one = alone();
  double both[2];
  std::thread other([&] { both[1] = alone(); });
  both[0] = alone();
  other.join();
  return one / both[0] + one / both[1];
}

double gemm_gflops(double seconds) {
  const Tensor a = torch::rand({256, 64, 32, 32});  // as a 1x1 convolution: LibTorch's fastest GEMM
  const Tensor x = a.contiguous(at::MemoryFormat::ChannelsLast);
  const Tensor w = torch::rand({64, 64, 1, 1});
  const torch::NoGradGuard no_grad;
  const double ms = time_steps(seconds, [&] { torch::conv2d(x, w); });
  return 2e-6 * 256 * 32 * 32 * 64 * 64 / ms;
}

double copy_gb_per_second(double seconds) {
  const Tensor from = torch::rand({64 << 20});
  Tensor to = torch::empty_like(from);
  const double ms = time_steps(seconds, [&] { to.copy_(from); });
  return 2e-6 * static_cast<double>(from.nbytes()) / ms;
}

constexpr const char* kOurs = "hwnas";
constexpr const char* kPlain = "plain LibTorch, channels-last";
constexpr const char* kPythonDefault = "python3-torch, default layout";
constexpr const char* kPythonLast = "python3-torch, channels-last";

/// ms a step of each, medians over interleaved rounds.
std::map<std::string, double> compare(int threads, int batch, double seconds, int rounds) {
  std::map<std::string, std::vector<double>> times;
  for (int round = 0; round < rounds; ++round) {
    times[kPlain].push_back(plain_loop(batch, seconds));
    times[kPythonDefault].push_back(python_loop(threads, batch, "default", seconds));
    times[kPythonLast].push_back(python_loop(threads, batch, "channels_last", seconds));
    OurLoop loop(batch);
    times[kOurs].push_back(time_steps(seconds, [&] { loop.step(); }));
  }
  std::map<std::string, double> medians;
  for (const auto& [name, values] : times) medians[name] = estimators::median(values);
  return medians;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Training throughput of the reference candidate");
  std::string figure;
  int threads = 1;
  int batch = 128;
  int rounds = 5;
  double seconds = 2;
  app.add_option("--figure", figure)
      ->check(CLI::IsMember({"python_default", "python_channels_last", "concurrency"}));
  app.add_option("--threads", threads, "intra-op threads")->capture_default_str();
  app.add_option("--batch", batch)->capture_default_str();
  app.add_option("--rounds", rounds)->capture_default_str();
  app.add_option("--seconds", seconds, "of each measurement")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  train::set_worker_threads(1, threads);

  if (figure == "concurrency") {
    std::vector<double> ratios;
    for (int round = 0; round < rounds; ++round) ratios.push_back(concurrency(batch, seconds));
    fmt::print("{:.2f}\n", estimators::median(ratios));
    return 0;
  }
  const auto times = compare(threads, batch, seconds, rounds);
  const double macs = 3.0 * ir::macs(bench::reference_candidate()) * batch;
  const double gemm = gemm_gflops(seconds);
  fmt::print("{:<32} {:>8} {:>10} {:>10} {:>12}\n", "loop", "ms/step", "images/s", "GFLOP/s",
             "of GEMM rate");
  for (const auto& [name, ms] : times) {
    const double gflops = 2e-6 * macs / ms;
    fmt::print("{:<32} {:>8.2f} {:>10.0f} {:>10.1f} {:>10.0f} %\n", name, ms, 1e3 * batch / ms,
               gflops, 100 * gflops / gemm);
  }
  fmt::print("ceilings: GEMM {:.0f} GFLOP/s, copy {:.1f} GB/s; {} thread(s), batch {}\n", gemm,
             copy_gb_per_second(seconds), threads, batch);
  const double over_default = times.at(kPythonDefault) / times.at(kOurs);
  const double over_last = times.at(kPythonLast) / times.at(kOurs);
  fmt::print(
      "hwnas over plain LibTorch {:.2f}, python3-torch default {:.2f}, channels-last {:.2f}\n",
      times.at(kPlain) / times.at(kOurs), over_default, over_last);
  if (figure == "python_default") fmt::print("{:.2f}\n", over_default);
  if (figure == "python_channels_last") fmt::print("{:.2f}\n", over_last);
  return 0;
} catch (const hwnas::Error& error) {
  fmt::print(stderr, "train_throughput: {}\n", error.what());
  return 1;
}
