#include <gmock/gmock.h>

#include <cstring>
#include <fstream>

#include "core/error.hpp"
#include "core/file.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::ir {
namespace {

using testing::HasSubstr;

class Safetensors : public testing::Test {
 protected:
  void write(const std::string& bytes) const {
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << bytes;
  }
  std::string read() const { return read_file(file_, 1 << 20); }

  /// "" when the bytes are read, otherwise the refusal. Anything but an Error fails the test.
  std::string load(const std::string& bytes) const {
    write(bytes);
    try {
      load_safetensors(file_);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(file_.filename().string()));
      return error.what();
    }
    return "";
  }

  /// A written file of two tensors.
  std::string small_file() const {
    Weights weights;
    weights.layers["a"] = {{{2, 2}, {1, 2, 3, 4}}, {{2}, {1, 2}}, {}, {}};
    save_safetensors(weights, file_);
    return read();
  }

  static std::string file_of(const std::string& header, const std::string& data) {
    const std::uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "weights.safetensors";
};

TEST_F(Safetensors, RoundTripTheZoo) {
  for (const auto& [name, network] : zoo::networks()) {
    const Weights weights = zoo::random_weights(network, 5);
    save_safetensors(weights, file_);
    EXPECT_EQ(load_safetensors(file_), weights) << name;
  }
}

TEST_F(Safetensors, AreByteDeterministicInThePublishedLayout) {
  Weights weights;
  weights.layers["a.b"] = {{{1, 2}, {1.0F, 2.0F}}, {{1}, {-1.0F}}, {}, {}};
  save_safetensors(weights, file_);
  std::string header = R"({"a.b.bias":{"data_offsets":[0,4],"dtype":"F32","shape":[1]},)"
                       R"("a.b.weight":{"data_offsets":[4,12],"dtype":"F32","shape":[1,2]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string data("\0\0\x80\xbf\0\0\x80\x3f\0\0\0\x40", 12);
  EXPECT_EQ(read(), file_of(header, data));
}

TEST_F(Safetensors, ReadsFilesOfOtherWriters) {
  // Keys in another order, metadata, spaces, tensors not in the order of their data.
  write(file_of(R"( {"__metadata__": {"format": "pt"},
      "z.weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
      "a.running_mean": {"shape": [], "data_offsets": [8, 12], "dtype": "F32"}})",
                std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x80\xbf", 12)));
  const Weights weights = load_safetensors(file_);
  EXPECT_EQ(weights.layers.at("z").weight, (Array{{2}, {1.0F, 2.0F}}));
  EXPECT_EQ(weights.layers.at("a").running_mean, (Array{{}, {-1.0F}}));
}

TEST_F(Safetensors, RefuseTruncationAtEveryByte) {
  const std::string whole = small_file();
  ASSERT_EQ(load(whole), "");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(load(whole.substr(0, size)), "") << size;
  }
  EXPECT_NE(load(whole + '\0'), "");
}

TEST_F(Safetensors, NeverCrashOnFlippedBytes) {
  const std::string whole = small_file();
  Rng rng(11);
  for (int trial = 0; trial < 1000; ++trial) {
    std::string bytes = whole;
    for (std::uint64_t flips = 1 + rng.index(3); flips > 0; --flips) {
      bytes[rng.index(bytes.size())] = static_cast<char>(rng.index(256));
    }
    load(bytes);
  }
}

TEST_F(Safetensors, RefusalsSayWhatIsWrong) {
  const std::string data(8, '\0');
  const auto with = [&](const char* entry) {
    return load(file_of(std::string(R"({"a.weight":)") + entry + "}", data));
  };
  EXPECT_EQ(with(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "");
  EXPECT_THAT(with(R"({"dtype":"F16","shape":[4],"data_offsets":[0,8]})"), HasSubstr("dtype"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"), HasSubstr("12 bytes"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})"), HasSubstr("integers"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})"), HasSubstr("integers"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})"), HasSubstr("8..0"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), HasSubstr("begins at"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), HasSubstr("follow"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]})"),
              HasSubstr("too many elements"));
  EXPECT_THAT(with(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1})"),
              HasSubstr("expected dtype"));
  EXPECT_THAT(with("[]"), HasSubstr("expected dtype"));
  EXPECT_THAT(load(file_of("[]", "")), HasSubstr("not a JSON object"));
  EXPECT_THAT(load(file_of(std::string(100'000, '['), "")), HasSubstr("not a JSON object"));
  EXPECT_THAT(load(std::string(8, '\xff')), HasSubstr("claims"));
  EXPECT_THAT(
      load(file_of(R"({"a.moment":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", data)),
      HasSubstr("not named"));
}

TEST_F(Safetensors, AMissingFileIsNotFound) {
  try {
    load_safetensors(file_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
}

}  // namespace
}  // namespace hwnas::ir
