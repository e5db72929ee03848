#include "estimators/packing.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>

namespace hwnas::estimators {

namespace {

constexpr int kFirstFitRounds = 64;

bool overlap_in_time(const Piece& a, const Piece& b) {
  return a.begin <= b.end && b.begin <= a.end;
}

/// The lowest offset at which `block` is clear of the blocks placed already.
std::int64_t first_fit(const Block& block, const std::vector<Block>& blocks,
                       const std::vector<std::int64_t>& offsets) {
  struct Obstacle {
    std::int64_t blocked_from;  ///< offsets of `block` in blocked_from < offset < free_from collide
    std::int64_t free_from;
  };
  std::vector<Obstacle> obstacles;
  for (std::size_t other = 0; other < blocks.size(); ++other) {
    if (offsets[other] < 0) continue;
    for (const Piece& theirs : blocks[other].pieces) {
      for (const Piece& ours : block.pieces) {
        if (!overlap_in_time(ours, theirs)) continue;
        obstacles.push_back({offsets[other] - ours.bytes, offsets[other] + theirs.bytes});
      }
    }
  }
  std::sort(obstacles.begin(), obstacles.end(), [](const Obstacle& a, const Obstacle& b) {
    return std::tie(a.blocked_from, a.free_from) < std::tie(b.blocked_from, b.free_from);
  });
  std::int64_t offset = 0;
  for (const Obstacle& obstacle : obstacles) {
    if (obstacle.blocked_from < offset) offset = std::max(offset, obstacle.free_from);
  }
  return offset;
}

/// Places blocks one by one where they first fit; `misfit` is the first that ends over `capacity`,
/// or -1.
Packing first_fit_all(const std::vector<Block>& blocks, const std::vector<int>& order,
                      std::int64_t capacity, int& misfit) {
  Packing result{.offsets = std::vector<std::int64_t>(blocks.size(), -1), .bytes = 0};
  misfit = -1;
  for (const int index : order) {
    const std::int64_t offset = first_fit(blocks[index], blocks, result.offsets);
    result.offsets[index] = offset;
    result.bytes = std::max(result.bytes, offset + blocks[index].bytes());
    if (misfit < 0 && offset + blocks[index].bytes() > capacity) misfit = index;
  }
  return result;
}

/// Places blocks in the order of their offsets, each on top of what lies below it at its times.
/// Every packing that cannot be pushed down further arises in such an order.
class PackingSearch {
 public:
  PackingSearch(const std::vector<Block>& blocks, std::int64_t capacity, int max_placements)
      : blocks_(blocks), capacity_(capacity), placements_left_(max_placements) {
    int times = 0;
    for (const Block& block : blocks) times = std::max(times, block.end() + 1);
    floor_.resize(times);
    missing_.resize(times);
    for (const Block& block : blocks) {
      for (int time = block.begin(); time <= block.end(); ++time) {
        missing_[time] += bytes_at(block, time);
      }
    }
    offsets_.assign(blocks.size(), -1);
  }

  std::optional<std::vector<std::int64_t>> run() {
    if (!place_rest(0, 0, -1)) return std::nullopt;
    return offsets_;
  }

 private:
  struct Candidate {
    std::int64_t offset = 0;
    int block = 0;
  };

  static std::int64_t bytes_at(const Block& block, int time) {
    std::int64_t bytes = 0;
    for (const Piece& piece : block.pieces) {
      if (piece.begin <= time && time <= piece.end) bytes = std::max(bytes, piece.bytes);
    }
    return bytes;
  }

  /// Blocks that may come next. One that another would fit below is not among them: that other
  /// could be moved down there later, so it loses nothing by coming first.
  std::vector<Candidate> candidates(std::int64_t last_offset, int last_block) const {
    std::vector<Candidate> result;
    std::int64_t lowest_top = std::numeric_limits<std::int64_t>::max();
    for (int block = 0; block < static_cast<int>(blocks_.size()); ++block) {
      if (offsets_[block] >= 0) continue;
      const std::int64_t offset = *std::max_element(floor_.begin() + blocks_[block].begin(),
                                                    floor_.begin() + blocks_[block].end() + 1);
      lowest_top = std::min(lowest_top, offset + blocks_[block].bytes());
      if (std::tie(offset, block) > std::tie(last_offset, last_block)) {
        result.push_back({offset, block});
      }
    }
    std::erase_if(result, [&](const Candidate& next) { return next.offset >= lowest_top; });
    std::sort(result.begin(), result.end(), [&](const Candidate& a, const Candidate& b) {
      const std::int64_t bytes_a = blocks_[a.block].bytes(), bytes_b = blocks_[b.block].bytes();
      return std::tie(a.offset, bytes_b, a.block) < std::tie(b.offset, bytes_a, b.block);
    });
    return result;
  }

  bool place_rest(int placed, std::int64_t last_offset, int last_block) {
    if (placed == static_cast<int>(blocks_.size())) return true;
    for (const Candidate& next : candidates(last_offset, last_block)) {
      if (placements_left_-- <= 0) return false;
      const Block& block = blocks_[next.block];
      const std::vector<std::int64_t> floor(floor_.begin() + block.begin(),
                                            floor_.begin() + block.end() + 1);
      const bool fits = put(block, next.offset);
      offsets_[next.block] = next.offset;
      if (fits && place_rest(placed + 1, next.offset, next.block)) return true;
      offsets_[next.block] = -1;
      std::copy(floor.begin(), floor.end(), floor_.begin() + block.begin());
      for (int time = block.begin(); time <= block.end(); ++time) {
        missing_[time] += bytes_at(block, time);
      }
    }
    return false;
  }

  /// False if what is missing at some time no longer fits above.
  bool put(const Block& block, std::int64_t offset) {
    bool fits = true;
    for (int time = block.begin(); time <= block.end(); ++time) {
      const std::int64_t bytes = bytes_at(block, time);
      floor_[time] = offset + bytes;
      missing_[time] -= bytes;
      fits &= floor_[time] + missing_[time] <= capacity_;
    }
    return fits;
  }

  const std::vector<Block>& blocks_;
  std::int64_t capacity_;
  int placements_left_;
  std::vector<std::int64_t> floor_;    ///< at each time, the end of the highest block so far
  std::vector<std::int64_t> missing_;  ///< at each time, bytes of blocks not placed yet
  std::vector<std::int64_t> offsets_;
};

}  // namespace

std::int64_t Block::bytes() const {
  std::int64_t bytes = 0;
  for (const Piece& piece : pieces) bytes = std::max(bytes, piece.bytes);
  return bytes;
}

Packing pack(const std::vector<Block>& blocks, std::int64_t capacity, int max_placements) {
  std::vector<int> order(blocks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return blocks[a].bytes() > blocks[b].bytes(); });
  Packing best{.offsets = {}, .bytes = std::numeric_limits<std::int64_t>::max()};
  for (int round = 0; round < kFirstFitRounds; ++round) {
    int misfit = -1;
    Packing packing = first_fit_all(blocks, order, capacity, misfit);
    if (packing.bytes < best.bytes) best = std::move(packing);
    if (misfit < 0) return best;
    const auto place = std::find(order.begin(), order.end(), misfit);
    std::rotate(order.begin(), place, place + 1);
  }
  if (auto offsets = PackingSearch(blocks, capacity, max_placements).run()) {
    best = {.offsets = std::move(*offsets), .bytes = 0};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      best.bytes = std::max(best.bytes, best.offsets[i] + blocks[i].bytes());
    }
  }
  return best;
}

}  // namespace hwnas::estimators
