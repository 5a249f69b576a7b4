// The state of the view in the address, so that it can be shared and reloaded.
const AXIS = /^p?\d{1,5}$/;
const CHOICES = { sort: ["weight", "change", "id"], theme: ["auto", "light", "dark"] };

export const FIRST_VIEW = { x: "0", y: "1", sort: "weight", theme: "auto", focus: null, at: null };

/** The view that an address asks for; what it does not say, or says wrongly, is as at first. */
export function readAddress(search) {
  const given = new URLSearchParams(search);
  const view = { ...FIRST_VIEW };
  for (const axis of ["x", "y"]) if (AXIS.test(given.get(axis) ?? "")) view[axis] = given.get(axis);
  for (const [name, allowed] of Object.entries(CHOICES)) if (allowed.includes(given.get(name))) view[name] = given.get(name);
  for (const name of ["focus", "at"]) {
    const number = Number.parseFloat(given.get(name));
    if (Number.isFinite(number)) view[name] = number;
  }
  return view;
}

/** What differs from the first view, as a query. */
export function writeAddress(view) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(view)) if (value !== null && value !== FIRST_VIEW[name]) query.set(name, value);
  const text = query.toString();
  return text ? `?${text}` : "";
}

export function keepInAddress(store) {
  let written = location.search;
  store.listen(({ view }) => {
    const query = writeAddress(view);
    if (query === written) return;
    written = query;
    history.replaceState(null, "", `${location.pathname}${query}`);
  });
}
