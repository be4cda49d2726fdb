/** Short durations as the language writes them: 12.3s, 5m 3s; 12.3초, 5분 3초. */
export function durationFor(language: string): (seconds: number) => string {
  const unit = (name: "second" | "minute" | "hour", digits: number) =>
    new Intl.NumberFormat(language, {
      style: "unit",
      unit: name,
      unitDisplay: "narrow",
      maximumFractionDigits: digits,
    });
  const [exact, second, minute, hour] = [unit("second", 1), unit("second", 0), unit("minute", 0), unit("hour", 0)];
  return (seconds) => {
    if (seconds < 60) return exact.format(seconds);
    const whole = Math.round(seconds);
    const minutes = Math.floor(whole / 60);
    if (minutes < 60) return `${minute.format(minutes)} ${second.format(whole % 60)}`;
    return `${hour.format(Math.floor(minutes / 60))} ${minute.format(minutes % 60)}`;
  };
}
