import './HeatTable.css';

export interface HeatCell {
  count: number;
  /** Of how many something is odd. */
  odd: number;
}

interface Heading {
  id: string;
  title: string;
}

interface Props {
  caption: string;
  corner: string;
  rows: readonly Heading[];
  columns: readonly Heading[];
  cell: (row: string, column: string) => HeatCell;
  /** What a cell is called, in full. */
  name: (row: Heading, column: Heading, cell: HeatCell) => string;
  /** What follows the number of odd ones, where there is room. */
  mark: string;
  picked: (row: string, column: string) => boolean;
  onPick: (row: string, column: string) => void;
}

/** Counts by two headings: a table of buttons, whose colour says again what their number says. */
export function HeatTable({ caption, corner, rows, columns, cell, name, mark, picked, onPick }: Props) {
  return (
    <div className="heat-frame">
      <table className="heat">
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{corner}</th>
            {columns.map((column) => (
              <th key={column.id} scope="col">
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <th scope="row">{row.title}</th>
              {columns.map((column) => {
                const shown = cell(row.id, column.id);
                return (
                  <td key={column.id}>
                    <button
                      type="button"
                      className={`heat-cell heat-${levelOf(shown.count)}`}
                      aria-label={name(row, column, shown)}
                      aria-pressed={picked(row.id, column.id)}
                      onClick={() => onPick(row.id, column.id)}
                    >
                      <span className="heat-count">{shown.count.toLocaleString('en')}</span>
                      {shown.odd > 0 && (
                        <span className="heat-odd">
                          ≠ {shown.odd} <span className="heat-odd-words">{mark}</span>
                        </span>
                      )}
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function levelOf(count: number): number {
  return [1, 10, 100, 500].filter((least) => count >= least).length;
}
