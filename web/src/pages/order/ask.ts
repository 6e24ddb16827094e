import { api, told } from '../../api/client';

/** What a person has filled in; which fields there are depends on the action (`FIELDS`). */
export interface Filled {
  about?: string;
  hold?: string;
  note?: string;
  reason?: string;
  yuan?: number | null;
  units?: Record<string, number | null>;
  name?: string;
  phone?: string;
  province?: string;
  city?: string;
  district?: string;
  detail?: string;
}

type Field = keyof Filled;

/** The fields of each action, in the order in which they are asked for. */
export const FIELDS: Record<string, readonly Field[]> = {
  hold: ['hold', 'note'],
  'lift-hold': ['about', 'note'],
  cancel: ['reason'],
  address: ['name', 'phone', 'province', 'city', 'district', 'detail'],
  amount: ['yuan', 'reason'],
  refund: ['yuan', 'reason'],
  'refund-lines': ['units', 'reason'],
  reissue: ['units', 'reason'],
  'undo-reissue': ['about', 'reason'],
  intercept: ['about', 'reason'],
  'resend-notice': ['about', 'reason'],
};
/** They may stay empty: a refund without an amount is all that is owed, or left. */
export const OPTIONAL: readonly (readonly [string, Field])[] = [
  ['hold', 'note'],
  ['lift-hold', 'note'],
  ['address', 'district'],
  ['refund', 'yuan'],
];

const fen = (yuan: number) => Math.round(yuan * 100);

/** Asks it of the service. Throws Refused. */
export function ask(action: string, id: string, filled: Filled): Promise<unknown> {
  const params = { path: { id } };
  const { about = '', reason = '', note = '', yuan } = filled;
  const lines = Object.entries(filled.units ?? {}).flatMap(([line, units]) =>
    units ? [{ line: Number(line), units }] : [],
  );
  switch (action) {
    case 'hold':
      return told(api.POST('/api/v1/orders/{id}/hold', { params, body: { hold: filled.hold ?? '', note } }));
    case 'lift-hold':
      return told(api.POST('/api/v1/orders/{id}/lift-hold', { params, body: { hold: about, note } }));
    case 'cancel':
      return told(api.POST('/api/v1/orders/{id}/cancel', { params, body: { reason } }));
    case 'address': {
      const { name = '', phone = '', province = '', city = '', district = '', detail = '' } = filled;
      const body = { name, phone, province, city, district, detail };
      return told(api.POST('/api/v1/orders/{id}/address', { params, body }));
    }
    case 'amount':
      return told(
        api.POST('/api/v1/orders/{id}/amount', { params, body: { amount_fen: fen(yuan ?? 0), reason } }),
      );
    case 'refund':
      return told(
        api.POST('/api/v1/orders/{id}/refund', {
          params,
          body: { amount_fen: yuan == null ? null : fen(yuan), reason },
        }),
      );
    case 'refund-lines':
      return told(api.POST('/api/v1/orders/{id}/refund-lines', { params, body: { lines, reason } }));
    case 'reissue':
      return told(api.POST('/api/v1/orders/{id}/reissue', { params, body: { lines, reason } }));
    case 'undo-reissue':
      return told(
        api.POST('/api/v1/orders/{id}/reissues/{reissue}/undo', {
          params: { path: { id, reissue: Number(about) } },
          body: { reason },
        }),
      );
    case 'intercept':
      return told(
        api.POST('/api/v1/shipments/{shipment}/intercept', {
          params: { path: { shipment: about } },
          body: { reason },
        }),
      );
    case 'resend-notice':
      return told(api.POST('/api/v1/notices/resend', { body: { notice: about, reason } }));
    default:
      throw new Error(action);
  }
}
