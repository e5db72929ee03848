#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/error.hpp"
#include "data/dataset.hpp"
#include "tests/core/gzip.hpp"
#include "tests/core/message_of.hpp"
#include "tests/data/fixtures.hpp"

// What is particular to one format; what all have in common is in readers_test.cpp.
namespace hwnas::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::string_literals;

class Format : public ::testing::Test {
 protected:
  DataSource read(const std::string& options) const {
    return read_data(Config::parse(options, "a.yaml"), folder_.path());
  }
  std::string message(const std::string& options) const {
    return message_of([&] { read(options); });
  }

  TemporaryFolder folder_;
};

class Idx : public Format {
 protected:
  /// The message for a bad training file beside good other ones.
  std::string message_for(const std::string& images, const std::string& labels = "") {
    folder_.write("x", images);
    folder_.write("y", labels.empty() ? idx({2}, "\0\1"s) : labels);
    return message(kOptions);
  }

  static constexpr const char* kOptions =
      "{ name: idx, train_images: x, train_labels: y, test_images: x, test_labels: y }";
};

TEST_F(Idx, NumbersClassesWithoutNames) {
  EXPECT_EQ(message_for(idx({2, 1, 1}, "ab")), "no error");
  const DataSource source = read(kOptions);
  EXPECT_THAT(source.train.class_names, ElementsAre("0", "1"));
  EXPECT_EQ(source.train.shape, (ir::Shape{1, 1, 1}));
}

TEST_F(Idx, NamesTheByteOfABadHeader) {
  EXPECT_THAT(message_for("\x01\0\x08\x03"s), HasSubstr("x: byte 0: not an IDX file"));
  EXPECT_THAT(message_for("\0\0\x0d\x03"s), HasSubstr("x: byte 2: element type 0x0d"));
  EXPECT_THAT(message_for("\0\0\x08\0"s), HasSubstr("x: byte 3: the array has no dimension"));
  EXPECT_THAT(message_for(idx({2}, "ab")), HasSubstr("x: byte 3: 1 dimensions, but images have"));
  EXPECT_THAT(message_for(idx({2, 1, 1}, "ab"), idx({1, 1, 1}, "a")),
              HasSubstr("y: byte 3: 3 dimensions, but labels have 1"));
  EXPECT_THAT(message_for(idx({2, 0, 1}, "")),
              HasSubstr("x: byte 16: the array of 2x0x1 elements is empty"));
  EXPECT_THAT(message_for(idx({2, 1, 1}, "abc")), HasSubstr("x: byte 16: 1 bytes follow"));
}

TEST_F(Idx, AbsurdSizesAreRefusedWithoutMemory) {
  for (const auto& extents : {std::vector<int>{-1, -1, -1},
                              {0x7fffffff, 0x7fffffff, 0x7fffffff},
                              {0x10000, 0x10000, 0x10000, 0x10000},
                              {2, 1 << 30, 4},
                              std::vector<int>(255, 0x10000)}) {
    EXPECT_THAT(message_for(idx(extents, "ab")), HasSubstr("truncated: an array of "));
  }
}

TEST_F(Idx, LabelsMustHaveAClassAndASample) {
  EXPECT_THAT(message_for(idx({2, 1, 1}, "ab"), idx({1}, "\0"s)),
              HasSubstr("y: byte 0: 1 labels, but there are 2 samples"));
  EXPECT_THAT(message_for(idx({2, 1, 1}, "ab"), idx({2}, "\0\2"s)),
              HasSubstr("no training sample has the class '1' (label 1)"));
  folder_.write("x", idx({3, 1, 1}, "abc"));
  folder_.write("y", idx({3}, "\0\1\2"s));
  EXPECT_THAT(message("{ name: idx, train_images: x, train_labels: y, test_images: x, test_labels: "
                      "y, classes: [ a, b ] }"),
              HasSubstr("y: byte 10: label 2 of sample 2, but there are 2 classes"));
}

TEST_F(Format, TrainingAndTestShapesMustAgree) {
  folder_.write("x", idx({1, 2, 2}, "abcd"));
  folder_.write("z", idx({1, 1, 4}, "abcd"));
  folder_.write("y", idx({1}, "\0"s));
  EXPECT_EQ(message("{ name: idx, train_images: x, train_labels: y, test_images: z, test_labels: y "
                    "}"),
            "a.yaml:1:1: training samples are 1x2x2, but test samples are 1x1x4");
}

TEST_F(Format, Cifar10RefusesLabelsAboveNine) {
  write_fixture("cifar10", folder_);
  std::string file(2 * 3073, '\0');
  file[3073] = 10;
  folder_.write("data_batch_3.bin", file);
  EXPECT_THAT(message("{ name: cifar10, folder: . }"),
              HasSubstr("data_batch_3.bin: byte 3073: label 10, but there are 10 classes"));
}

TEST_F(Format, FashionMnistSaysHowToGetIt) {
  try {
    read("{ name: fashion_mnist, folder: absent }");
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("apt-get install dataset-fashion-mnist"));
  }
}

class CsvSeries : public Format {
 protected:
  std::string message_for(const std::string& rows) {
    folder_.write("train.csv", "sample,label,channel,t0,t1\n" + rows);
    folder_.write("test.csv", "sample,label,channel,t\n9,a,0,1,2\n9,a,1,1,2\n");
    return message(kOptions);
  }

  static constexpr const char* kOptions = "{ name: csv_series, train: train.csv, test: test.csv }";
};

TEST_F(CsvSeries, NamesTheLineOfABadRow) {
  const std::string good = "0,a,0,1,2\n0,a,1,3,4\n";
  EXPECT_EQ(message_for(good), "no error");
  EXPECT_THAT(message_for(good + "1,b,0,1,2\n"),
              HasSubstr("train.csv:4: sample '1' has 1 channels, but the first one has 2"));
  EXPECT_THAT(message_for(good + "1,b,1,1,2\n"), HasSubstr("train.csv:4: expected channel 2"));
  EXPECT_THAT(message_for("0,a,1,1,2\n"), HasSubstr("train.csv:2: expected channel 0"));
  EXPECT_THAT(message_for(",,1,1,2\n"), HasSubstr("train.csv:2: expected channel 0"));
  EXPECT_THAT(message_for(",,0,1,2\n"), HasSubstr("train.csv:2: the label is empty"));
  EXPECT_THAT(message_for("0,a,0,1,2\n0,b,1,3,4\n"),
              HasSubstr("train.csv:3: expected channel 1 of sample '0' with label 'a'"));
  EXPECT_THAT(message_for(good + "1,b,0,1,2\n2,b,1,1,2\n"), HasSubstr("train.csv:5: expected"));
  EXPECT_THAT(message_for(good + "0,a,0,1,2\n"), HasSubstr("train.csv:4: sample '0' was there"));
  EXPECT_THAT(message_for("0,a,0,1,2\n0,a,1,3\n"),
              HasSubstr("train.csv:3: 1 values, but the first row has 2"));
  EXPECT_THAT(message_for("0,a,0\n"), HasSubstr("train.csv:2: 0 values"));
  EXPECT_THAT(message_for("0,a\n"), HasSubstr("train.csv:2: column 'channel' is missing"));
  EXPECT_THAT(message_for("0,a,-1,1,2\n"), HasSubstr("train.csv:2: column 'channel': -1 is not"));
  EXPECT_THAT(message_for("0,a,0,1,nan\n"), HasSubstr("train.csv:2: column 't1': expected a num"));
  EXPECT_THAT(message_for("0,a,0,1,1e39\n"), HasSubstr("train.csv:2: column 't1': 1e+39 is not"));
  EXPECT_THAT(message_for(""), HasSubstr("train.csv:1: no sample follows the header"));
  EXPECT_THAT(message_for("0,z,0,1,2\n0,z,1,3,4\n"),
              HasSubstr("test.csv:2: no training sample has the label 'a'"));
}

TEST_F(CsvSeries, RefusesOtherHeaders) {
  write_fixture("csv_series", folder_);
  for (const char* header : {"label,sample,channel,t0\n", "sample,label,channel\n", "a\n"}) {
    folder_.write("train.csv", header);
    EXPECT_THAT(message("{ name: csv_series, train: train.csv, test: test.csv.gz }"),
                HasSubstr("train.csv:1: the header does not begin with sample,label,channel"));
  }
}

TEST_F(CsvSeries, OrdersClassesAsNumbersWhereTheyAre) {
  folder_.write("x.csv", "sample,label,channel,t\n0,10,0,1\n1,9,0,1\n2,-1,0,1\n");
  const DataSource source = read("{ name: csv_series, train: x.csv, test: x.csv }");
  EXPECT_THAT(source.train.class_names, ElementsAre("-1", "9", "10"));
  EXPECT_THAT(source.train.labels, ElementsAre(2, 1, 0));
}

TEST_F(CsvSeries, ACutOfPlainTextShowsUnlessItIsBetweenSamples) {
  const std::string whole = "sample,label,channel,t\n0,a,0,1.5\n0,a,1,2.5\n1,a,0,3.5\n1,a,1,4.5\n";
  folder_.write("test.csv", whole);
  const std::size_t first_sample = whole.find("1,a,0");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    folder_.write("train.csv", whole.substr(0, size));
    EXPECT_EQ(message(kOptions) == "no error", size == first_sample) << size;
  }
}

class NpySeries : public Format {
 protected:
  std::string message_for(const std::string& values, const std::string& labels = "") {
    folder_.write("x.npy", values);
    folder_.write("y.npy",
                  labels.empty() ? npy("<i4", "(1,)", bytes_of<std::int32_t>({0})) : labels);
    return message(
        "{ name: npy_series, train_values: x.npy, train_labels: y.npy, test_values: x.npy, "
        "test_labels: y.npy }");
  }
};

TEST_F(NpySeries, ReadsTwoDimensionsAsOneChannel) {
  const std::string values = npy("<f8", "(1, 3)", bytes_of<double>({1, 2, -0.5}));
  EXPECT_EQ(message_for(values), "no error");
}

TEST_F(NpySeries, RefusesOtherTypesAndOrders) {
  const std::string bytes(8, '\0');
  EXPECT_THAT(message_for(npy("<f2", "(1, 4)", bytes)), HasSubstr("element type '<f2'"));
  EXPECT_THAT(message_for(npy(">f4", "(1, 2)", bytes)), HasSubstr("element type '>f4'"));
  EXPECT_THAT(message_for(npy("|O", "(1, 1)", bytes)), HasSubstr("element type '|O'"));
  EXPECT_THAT(message_for(npy("<f8", "(1,)", bytes)), HasSubstr("1 dimensions"));
  EXPECT_THAT(message_for(npy("<f8", "()", bytes)), HasSubstr("0 dimensions"));
  EXPECT_THAT(message_for(npy("<f8", "(1, 1)", bytes), npy("<f8", "(1,)", bytes)),
              HasSubstr("y.npy: byte 71: element type '<f8', but labels are integers"));
  std::string fortran = npy("<f4", "(1, 2)", bytes);
  fortran.replace(fortran.find("False"), 5, "True ");
  EXPECT_THAT(message_for(fortran), HasSubstr("Fortran order"));
  EXPECT_THAT(message_for(npy("<f4", "(1, 2)", bytes, 3)), HasSubstr("byte 6: version 3"));
}

TEST_F(NpySeries, RefusesValuesThatAreNotFinite) {
  EXPECT_THAT(message_for(npy("<f4", "(1, 2)", bytes_of<float>({1, std::nanf("")}))),
              HasSubstr("the value is not a finite number"));
  EXPECT_THAT(message_for(npy("<f8", "(1, 2)", bytes_of<double>({1, 1e300}))),
              HasSubstr("the value is not a finite number"));
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_THAT(message_for(npy("<f8", "(1, 1)", bytes_of<double>({-infinity}))),
              HasSubstr("the value is not a finite number"));
}

TEST_F(NpySeries, RefusesLabelsThatAreNoClass) {
  const std::string values = npy("<f4", "(1, 1)", bytes_of<float>({1}));
  EXPECT_THAT(message_for(values, npy("<i8", "(1,)", bytes_of<std::int64_t>({-1}))),
              HasSubstr("label -1 of sample 0"));
  EXPECT_THAT(message_for(values, npy("<i8", "(1,)", bytes_of<std::int64_t>({1'000'000'000'000}))),
              HasSubstr("label 1000000000000, but at most 65536 classes are read"));
  EXPECT_THAT(message_for(values, npy("<u8", "(1,)", bytes_of<std::uint64_t>({~0ull}))),
              HasSubstr("label -1 of sample 0"));
  EXPECT_THAT(message_for(values, npy("<i8", "(2,)", bytes_of<std::int64_t>({0, 0}))),
              HasSubstr("2 labels, but there are 1 samples"));
}

TEST_F(NpySeries, RefusesHeadersThatNumpyWouldNotWrite) {
  const auto file = [](const std::string& header) {
    return "\x93NUMPY\1\0"s + static_cast<char>(header.size()) + "\0"s + header + "\0\0\0\0"s;
  };
  for (const char* header : {
           "",
           "{",
           "{}",
           "{'descr': '<f4'}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)} x",
           "{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 1)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 1)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1)}",
           "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), 'more': 1}",
           "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}",
           "{'descr': '<f4",
       }) {
    EXPECT_THAT(message_for(file(header)), HasSubstr("bad .npy header: ")) << header;
  }
  EXPECT_EQ(message_for(file("{'shape': (1, 1), 'fortran_order': False, 'descr': '<f4'}\n")),
            "no error");
  EXPECT_THAT(message_for(npy("<f4", "(4294967296, 4294967296)", "")), HasSubstr("truncated"));
  EXPECT_THAT(message_for(npy("<f4", "(9223372036854775807, 2)", "")), HasSubstr("truncated"));
}

class PngFolder : public Format {
 protected:
  void SetUp() override {
    folder_.write("train/a/1.png", png(1, 2, 2, {1, 2, 3, 4}));
    folder_.write("test/a/1.png", png(1, 2, 2, {5, 6, 7, 8}));
  }

  static constexpr const char* kOptions = "{ name: png_folder, folder: . }";
};

TEST_F(PngFolder, ReadsGreyImagesAsOneChannel) {
  const DataSource source = read(kOptions);
  EXPECT_EQ(source.train.shape, (ir::Shape{1, 2, 2}));
  EXPECT_THAT(source.test.bytes, ElementsAre(5, 6, 7, 8));
}

TEST_F(PngFolder, ImagesMustBeOfOneKind) {
  folder_.write("train/a/2.png", png(1, 1, 4, {1, 2, 3, 4}));
  EXPECT_THAT(message(kOptions), HasSubstr("train/a/2.png: 1x1x4 (channels x height x width), but "
                                           "the images before it are 1x2x2"));
  folder_.write("train/a/2.png", png(3, 2, 2, std::vector<std::uint8_t>(12, 9)));
  EXPECT_THAT(message(kOptions), HasSubstr("train/a/2.png: 3x2x2"));
  folder_.write("train/a/2.png", png(4, 2, 2, std::vector<std::uint8_t>(16, 9)));
  EXPECT_THAT(message(kOptions), HasSubstr("train/a/2.png: it has transparency"));
}

TEST_F(PngFolder, AbsurdSizesAreRefusedWithoutMemory) {
  std::string file = png(1, 2, 2, {1, 2, 3, 4});
  file.replace(16, 8, "\x7f\xff\xff\xff\x7f\xff\xff\xff");
  folder_.write("train/a/1.png", file);
  EXPECT_THAT(message(kOptions), HasSubstr("train/a/1.png: "));
  folder_.write("train/a/1.png", png(1, 1, 4097, std::vector<std::uint8_t>(4097)));
  EXPECT_THAT(message(kOptions), HasSubstr("4097x1 pixels, but at most 4096x4096 are read"));
}

TEST_F(PngFolder, StrangeFilesAndFoldersAreRefused) {
  folder_.write("train/a/notes.txt", "hello");
  EXPECT_THAT(message(kOptions), HasSubstr("train/a/notes.txt: not a .png file"));
  std::filesystem::remove(folder_ / "train/a/notes.txt");
  folder_.write("test/b/1.png", png(1, 2, 2, {1, 2, 3, 4}));
  EXPECT_THAT(message(kOptions), HasSubstr("test/b: no folder of training images has this name"));
  std::filesystem::remove_all(folder_ / "test/b");
  std::filesystem::create_directories(folder_ / "train/b");
  EXPECT_THAT(message(kOptions), HasSubstr("no training sample has the class 'b'"));
  std::filesystem::remove_all(folder_ / "test");
  EXPECT_THAT(message(kOptions), HasSubstr("test: cannot list the folder: No such file"));
}

}  // namespace
}  // namespace hwnas::data
