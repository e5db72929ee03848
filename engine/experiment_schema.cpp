#include "engine/experiment.hpp"

namespace hwnas::engine {

std::string experiment_schema() {
  return R"(An experiment is one YAML map. Unknown keys are errors. Relative file names are relative to
the experiment's folder. Numbers may be written as 64000 or 30e6. [x] is the default of a key that
may be left out; keys without one must be there.

version: 1
name                   1 to 63 of a-z 0-9 . _ -
seed                   0 .. 2^63-1 [0]: everything random derives from it
data
  name                 a reader (hwnas list readers), or none
  (others)             the reader's options
  with name: none, for evaluators that need no data:
  input                [channels, height, width]
  classes              1 .. 1000000
validation_fraction    0.001 .. 0.9 [0.1] of the training data, stratified
space                  a space's own keys, family first; or
  file                 a file of such keys (configs/spaces/*.yaml)
  family               [the file's]: checked against it
device
  name                 a device (hwnas list devices), or
  file                 a device file, or
  profile              a device file's content
  runtime              one of the device's
objectives             1 to 3 of "maximize METRIC" and "minimize METRIC", the most important first;
                       metrics are the evaluator's and the cost models' (hwnas list cost-models)
limits                 [{}]: cost metric: number, or { at_most: number, confidence: 0.5 .. 0.999 }: the
                       probability with which a predicted cost must keep the limit. A candidate over
                       a limit is never evaluated
search
  strategy             hwnas list strategies
  trials               1 .. 10000000 evaluated candidates
  minutes              0.001 .. 1000000 [none]: ends the search earlier, once it has taken so long;
                       how many candidates that are depends on the machine
  window               1 .. 4096 [4]: evaluations ahead of the results that the strategy knows.
                       The result depends on it, and not on execution.workers; more workers than
                       window are idle
  max_infeasible       1 .. 10000000 [10000]: so many infeasible proposals in a row end the run
  (others)             the strategy's options
supernet               [none] all networks of the space on shared weights, trained once, for evaluator
                       supernet
  scheme               which networks a step trains: single_path (SPOS), fair (FairNAS), sandwich
                       (BigNAS), progressive (Once-for-All) [sandwich]
  random_networks      0 .. 64 [2]: of a step of sandwich, beside the largest and the smallest
  calibration_samples  32 .. 1000000 [1000]: training images that batch norms are recalibrated with
  (others)             training options, as of evaluator train
  rank_check           [none] networks that are trained alone, to see how well the scores rank them
    networks             5 .. 10000
    least_tau            -1 .. 1 of Kendall's tau; below it the scores are not used
    (others)             training options, as of evaluator train
  few_shot             [none] if the check fails, the supernet is split by the decision on which shared
                       weights agree least, and checked again
    epochs               1 .. 100000 of each part, which starts from the supernet's weights
    (others)             training options, as of evaluator train [the supernet's]
differentiable         [none] with section supernet: before the search, gradients find which options are
                       likely good, and at what cost; the search starts from there
  steps                1 .. 1000000 [200]
  paths                2 .. 1000000 [8]: networks of a step that the supernet scores
  samples              2 .. 1000000 [500]: networks of a step whose costs are predicted
  batch_size           1 .. 1000000 [256]: validation samples that the paths of a step are scored on
  learning_rate        1e-6 .. 100 [0.1]
  hardware_weight      0 .. 1e6 [0.1]: nats that the first minimised cost adds to the loss of a network
                       that costs as much as the average of the space
  entropy              0 .. 1e6 [0.02]: nats; holds options open at first, falls to 0 with the last step
evaluator
  name                 supernet: scores each candidate with shared weights; gives val_top1 (percent,
                       predicted): with a rank check, the accuracy of the network trained as there
  samples                validation samples used, by the rank check too, stratified; 0: all [0]
  otherwise              [none] options of train, which takes over if the rank check fails; without
                         it the run ends there
  name                 train: trains each candidate; gives val_top1 (percent)
  subset                 training samples used, stratified; 0: all [0]
  stop_hopeless          stop a candidate that after its first epoch is not better than always
                         answering the commonest class [true]
  epochs                 1 .. 100000 [3]
  batch_size             2 .. 65536 [128]
  optimizer              sgd or adamw [sgd]
  learning_rate          peak, 1e-9 .. 1000 [0.1]
  momentum               0 .. 0.9999 [0.9]: Nesterov's, of sgd
  weight_decay           0 .. 10 [0.0005]
  warmup_epochs          0 .. 1000 [0.5]: linear rise of the learning rate, before its cosine fall
  label_smoothing        0 .. 0.9 [0]
  augmentation           { crop_padding: pixels [0], flip: [false], erase_size: pixels [0] }
  precision              float32 or bfloat16 [float32], of activations in training and when a
                         supernet scores; a processor that does not compute with bfloat16
                         (AVX512-BF16, CUDA) takes float32
  device                 cpu, cuda, cuda:1 [cpu]
  name                 table: looks candidates up
  tables                 list of { file: CSV or CSV.gz, key: column with the genotype ("4-2-1", or
                         "421"), metrics: { METRIC: column } }
measurement            [none] of candidates that predictions put on the front, on the device itself: the
                       cost models learn from them, and at the end all of the front is measured
  with                 { runner: NAME, … }: hwnas list runners
  format               exporter of the file that is measured [c]
  integers             export 8-bit integers, not floats [true]
  every                1 .. 1000000 [4]: each k-th such candidate is measured while the search goes on
finalists              [{ count: 0 }]
  count                0 .. 100 points of the front, spread from its best to its end in the first
                       objective, trained on the whole training split; the one with the best
                       validation accuracy is exported and tested
  inherit              [true]: with a supernet, they start from its weights, and its largest network
                       teaches them
  distillation_weight  0 .. 1 [0.5], of the teacher's answers in the loss
  (others)             training options, as of evaluator train
compression            [none] list of passes over the chosen finalist, in order; one that loses more
                       than its accuracy_drop is rolled back
  pass                 quantize: all layers in one weight format
  weights                int8, int4, int2, ternary, binary [int8]
  activation_bits        8 or 16 [8]
  pass                 mixed_precision: a weight format for each layer, by measured sensitivity,
                       so that the experiment's limits and these hold
  formats                [int8, int4], the most precise first
  pinned                 layers that keep the first format [none]
  allocator              exact, greedy, hawq_v3, haq [exact]
  size_ratio             1 .. 32: how much smaller than the float network at least [no limit]
  latency_ratio          0.01 .. 1 of the latency with the first format at most [no limit]
  limits                 [{}]: cost metric: number
  (both)
  calibrators            tried on validation data, the best is kept: min_max, percentile, mse, kl
                         [all of them]
  equalize               even out the ranges of neighbouring layers [false]
  correct_biases         take off what rounding adds to the mean of each output [true]
  round_adaptively       round each weight to what changes the outputs least [false]
  epochs                 of training with simulated rounding; 0: none [0; mixed_precision 2]
  learning_rate          its peak [0.01]
  distillation_weight    0 .. 1, of the float network's answers in its loss [0.5]
  accuracy_drop          percentage points of the float network's val_top1 that may be lost [1]
export                 list of formats (hwnas list exporters) [none]
execution
  workers              1 .. 1024 concurrent evaluations [1]
  threads              1 .. 1024 of one evaluation [1]
)";
}

}  // namespace hwnas::engine
