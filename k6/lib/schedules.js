// The two public load scenarios: stages are [second, default delay ms, failing, fallback delay ms, failing].
export const schedules = {
  preview: {
    users: 550, seconds: 60, amount: 19.9, lagMs: 1500, fees: [0.05, 0.15],
    stages: [
      [1, 0, false, 0, false],
      [10, 100, false, 0, false],
      [20, 100, true, 0, false],
      [30, 2000, true, 1000, true],
      [40, 20, false, 20, false],
      [50, 0, false, 5000, false],
    ],
  },
  final: {
    users: 603, seconds: 300, amount: 20.05, lagMs: 2000, fees: [0.07, 0.1],
    stages: [
      [1, 0, false, 0, false],
      [30, 1000, false, 0, false],
      [60, 500, false, 0, false],
      [90, 2000, true, 1000, false],
      [120, 5000, true, 5, false],
      [150, 0, false, 5, true],
      [180, 100, false, 5, false],
      [210, 50, false, 0, false],
      [240, 103, false, 10, false],
      [270, 2000, false, 0, false],
    ],
  },
};
