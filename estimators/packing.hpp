#pragma once

#include <cstdint>
#include <vector>

namespace hwnas::estimators {

/// Bytes that are needed from time `begin` to time `end`, both included.
struct Piece {
  int begin = 0;
  int end = 0;
  std::int64_t bytes = 0;
};

/// Pieces that must start at one offset: a tensor and those that overwrite it in turn. Their times
/// touch, so a block has no gaps.
struct Block {
  std::vector<Piece> pieces;

  int begin() const { return pieces.front().begin; }
  int end() const { return pieces.back().end; }
  std::int64_t bytes() const;  ///< of the largest piece
};

struct Packing {
  std::vector<std::int64_t> offsets;  ///< of each block
  std::int64_t bytes = 0;             ///< the highest end of a piece
};

/// Offsets for blocks so that no two pieces overlap in both time and space. Stops at the first
/// packing of at most `capacity` bytes; where none is found within `max_placements`, the smallest
/// one seen is returned. Deterministic.
Packing pack(const std::vector<Block>& blocks, std::int64_t capacity, int max_placements);

}  // namespace hwnas::estimators
